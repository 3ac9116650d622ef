"""CNN with GAN, of the survey's table 5, which names no paper: DeblurGAN's training and network.

Kupyn, Budzan, Mykhailych, Mishkin, Matas: "DeblurGAN: Blind Motion Deblurring Using Conditional
Adversarial Networks", CVPR 2018. A residual generator that adds what it makes to the distorted
picture, a Wasserstein critic of patches with a gradient penalty, and a perceptual loss.

Left out: dropout; five critic steps for each of the generator's, of which there is one. The squared
error is added, as in the second version (Kupyn et al., ICCV 2019), with its weights 0.5, 0.006 and
0.01. The perceptual loss is on EfficientNet-Lite0's features.
"""

from __future__ import annotations

from torch import Tensor, nn

from inpaint_export.models.blocks import start_at_zero
from inpaint_export.survey.comparators.adversarial import AdversarialObjective, PatchCritic, truth
from inpaint_export.survey.comparators.cyclegan import ResNetGenerator
from inpaint_export.survey.comparators.features import FeatureLoss
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory


class DeblurGan(nn.Module):
    """A distorted picture, and what a residual generator adds to it; at first nothing."""

    size_multiple = 8  # instance normalisation needs more than one position at 1/4
    memory = Memory(bytes_per_pixel=275)

    def __init__(self, width: int = 12, blocks: int = 5) -> None:
        super().__init__()
        self.generator = ResNetGenerator(3, width, blocks)
        start_at_zero(self.generator.last)

    def forward(self, image: Tensor) -> Tensor:
        """From RGB [N, 3, H, W] in [0, 1] to the restored picture."""
        added: Tensor = self.generator(image - 0.5)
        return image + added


class DeblurAdversarial(AdversarialObjective):
    """The squared error, a perceptual loss and a Wasserstein critic of patches."""

    def __init__(
        self,
        model: nn.Module,
        *,
        squared: float = 0.5,
        perceptual: float = 0.006,
        weight: float = 0.01,
    ) -> None:
        critic = PatchCritic(3, "instance")
        super().__init__(model, critic, loss="wasserstein", weight=weight, penalty=10.0)
        self.seen = FeatureLoss()
        self.squared, self.perceptual = squared, perceptual

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        clear = truth(batch)
        output = self.model(batch["image"]).float()
        perceptual, _ = self.seen(output, clear)
        squared = (output - clear).square().mean()
        return output, self.squared * squared + self.perceptual * perceptual

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5)
        return scores
