"""LGNet, local and global refinement, of the survey's table 1.

Quan, Zhang, Zhang, Li, Wang, Yan: "Image Inpainting With Local and Global Refinement", IEEE
Transactions on Image Processing 31, 2022. Three networks in a row, each of which gets the picture
with the hole as the one before filled it: a U-Net with a large receptive field, a shallow residual
network with a small one, which mends local structure, and a U-Net with attention, which makes the
whole consistent. Each has the absolute error; the refinements have perceptual, style and
total-variation losses, the coarse picture a spectrally normalised critic of patches with least
squares.

Left out: levels below 1/32 in the U-Nets; the losses of known pixels, which are pasted and never
wrong. Perceptual and style losses are on EfficientNet-Lite0's features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.losses import hole_l1
from inpaint_export.survey.comparators.adversarial import AdversarialObjective, PatchCritic
from inpaint_export.survey.comparators.cyclegan import ResNetGenerator
from inpaint_export.survey.comparators.features import FeatureLoss, total_variation
from inpaint_export.survey.comparators.layers import masked_input, paste
from inpaint_export.survey.comparators.pix2pix import UNetGenerator
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory


class SelfAttention(nn.Module):
    """Each position adds what it gathers from all others; at first nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 4, 1)
        self.key = nn.Conv2d(channels, channels // 4, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """From and to [N, C, h, w]."""
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        scores = torch.softmax(query.mT @ key * key.shape[1] ** -0.5, dim=2)  # [N, h*w, h*w]
        return x + self.gain * (value @ scores.mT).reshape(x.shape)


class LgNet(nn.Module):
    """Inpainting by a coarse network, a local refinement and a global one."""

    size_multiple = 32
    memory = Memory(bytes_per_pixel=240)

    def __init__(
        self,
        widths: tuple[int, ...] = (20, 40, 64, 88, 104),
        local_width: int = 7,
        local_blocks: int = 4,
    ) -> None:
        super().__init__()
        self.coarse = UNetGenerator(4, widths)
        self.local = ResNetGenerator(4, local_width, local_blocks, norm="batch")
        self.whole = UNetGenerator(4, widths, SelfAttention(widths[-1]))

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`."""
        return self.stages(image, mask)[-1]

    def stages(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        """The picture as each of the three networks fills it, [N, 3, H, W] each."""
        pictures = [paste(image, 0.5 + self.coarse(masked_input(image, mask)), mask)]
        for refine in (self.local, self.whole):
            seen = torch.cat([pictures[-1] - 0.5, mask], dim=1)
            pictures.append(paste(image, 0.5 + refine(seen), mask))
        return pictures


class Refinement(AdversarialObjective):
    """Losses of all three stages; the critic sees the coarse one."""

    model: LgNet

    def __init__(
        self,
        model: nn.Module,
        *,
        hole: float = 6.0,
        perceptual: float = 0.05,
        style: float = 120.0,
        variation: float = 0.1,
    ) -> None:
        critic = PatchCritic(3, "spectral")
        super().__init__(model, critic, loss="least-squares", weight=0.1)
        self.seen = FeatureLoss()
        self.hole, self.perceptual, self.style = hole, perceptual, style
        self.variation = variation

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        image, mask = batch["image"], batch["mask"]
        pictures = [picture.float() for picture in self.model.stages(image, mask)]
        loss = self.hole * torch.stack([hole_l1(p, image, mask) for p in pictures]).sum()
        for picture in pictures[1:]:
            perceptual, style = self.seen(picture, image)
            variation = total_variation(picture, F.max_pool2d(mask, 3, stride=1, padding=1))
            loss = loss + self.perceptual * perceptual + self.style * style
            loss = loss + self.variation * variation
        return pictures[0], loss

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5)
        return scores
