"""cGAN, which is pix2pix, of the survey's tables 2 and 3.

Isola, Zhu, Zhou, Efros: "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
2017. A U-Net whose critic sees the input beside the output and judges patches of 70x70 pixels;
trained by the adversarial loss and 100 times the absolute error.

Left out: dropout, which is the paper's only noise and makes two runs on one picture differ; levels
below 1/32, so that pictures need not be multiples of 256 pixels.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import AdversarialObjective, PatchCritic, truth
from inpaint_export.survey.comparators.layers import conv, up
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory


class UNetGenerator(nn.Module):
    """The paper's U-Net: strided convolutions down, transposed ones up, skips that are appended.

    widths: channels at 1/2, 1/4, ... of the resolution. middle: what works on the last of them.
    """

    adamw = ("first", "last")

    def __init__(
        self, inputs: int, widths: tuple[int, ...], middle: nn.Module | None = None
    ) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.first = nn.Conv2d(inputs, widths[0], 4, 2, 1)
        self.encode = nn.ModuleList(conv(a, b, 4, stride=2, slope=0.2) for a, b in pairs)
        self.middle = nn.Identity() if middle is None else middle
        inner = [widths[-1], *(2 * width for width in reversed(widths[1:-1]))]
        self.decode = nn.ModuleList(
            up(a, b) for a, b in zip(inner, reversed(widths[:-1]), strict=True)
        )
        self.last = nn.ConvTranspose2d(2 * widths[0], 3, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, 3, H, W]; sides are multiples of 2 to the number of widths."""
        skips = [F.leaky_relu(self.first(x), 0.2)]
        for encode in self.encode:
            skips.append(encode(skips[-1]))
        x = self.middle(skips.pop())
        for decode in self.decode:
            x = torch.cat([decode(x), skips.pop()], dim=1)
        made: Tensor = self.last(x)
        return made


class Pix2Pix(nn.Module):
    """Pictures from pictures."""

    size_multiple = 32
    memory = Memory(bytes_per_pixel=410)

    def __init__(self, widths: tuple[int, ...] = (36, 72, 112, 160, 192)) -> None:
        super().__init__()
        self.generator = UNetGenerator(3, widths)

    def forward(self, image: Tensor) -> Tensor:
        """From RGB [N, 3, H, W] in [0, 1] to the restored picture."""
        return 0.5 + self.generator(image - 0.5)


class ConditionalAdversarial(AdversarialObjective):
    """100 times the absolute error, and a critic that sees the input beside the output."""

    def __init__(self, model: nn.Module, *, l1: float = 100.0) -> None:
        super().__init__(model, PatchCritic(6, "instance"), loss="log", weight=1.0)
        self.l1 = l1

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        output = self.model(batch["image"]).float()
        return output, self.l1 * (output - truth(batch)).abs().mean()

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(batch["image"] - 0.5, picture - 0.5)
        return scores
