"""A plain GAN for inpainting, as the survey's table 1 names it without a paper.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, with the layers of Radford, Metz,
Chintala: "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks", ICLR 2016: an encoder and a decoder of strided convolutions with batch normalisation,
and one critic that gives the whole picture one score.

Left out: noise as an input, since the known pixels determine what is made. Added: the absolute
error in the hole, without which a critic of whole pictures does not say what belongs where.
"""

from __future__ import annotations

from torch import Tensor, nn

from inpaint_export.losses import hole_l1
from inpaint_export.survey.comparators.adversarial import AdversarialObjective, GlobalCritic
from inpaint_export.survey.comparators.layers import conv, masked_input, paste, up
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory


class PlainGenerator(nn.Module):
    """An encoder and a decoder, without skips."""

    size_multiple = 8
    memory = Memory(bytes_per_pixel=260)
    adamw = ("first", "last")

    def __init__(self, widths: tuple[int, int, int] = (32, 72, 144), middle: int = 3) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.first = conv(4, half, 4, stride=2, norm="none", slope=0.2)
        self.layers = nn.Sequential(
            conv(half, quarter, 4, stride=2, slope=0.2),
            conv(quarter, eighth, 4, stride=2, slope=0.2),
            *(conv(eighth, eighth) for _ in range(middle)),
            up(eighth, quarter),
            up(quarter, half),
        )
        self.last = nn.ConvTranspose2d(half, 3, 4, 2, 1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`."""
        x = self.layers(self.first(masked_input(image, mask)))
        return paste(image, 0.5 + self.last(x), mask)


class PlainAdversarial(AdversarialObjective):
    """The absolute error in the hole, and a critic of the whole picture."""

    def __init__(self, model: nn.Module, *, weight: float = 0.01) -> None:
        super().__init__(model, GlobalCritic(3), loss="log", weight=weight)

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        image, mask = batch["image"], batch["mask"]
        output = self.model(image, mask).float()
        return output, hole_l1(output, image, mask)

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5)
        return scores
