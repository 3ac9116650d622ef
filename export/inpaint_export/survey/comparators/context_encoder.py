"""CE, the context encoder, which the survey's table 4 begins with.

Pathak, Krähenbühl, Donahue, Darrell, Efros: "Context Encoders: Feature Learning by Inpainting",
CVPR 2016. An encoder without skips to a bottleneck, a layer that is fully connected within each
channel, so that every position hears of all others, and a decoder; trained by the squared error in
the hole (0.999) and an adversarial loss (0.001) on what was filled in.

Left out: AlexNet's encoder and its pretraining; the larger weight of a rim about the hole. The
fully connected layer works on a grid of 8x8, as a picture of 256x256 has it; other sizes are
resized to it, since the layer itself has none but one.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import (
    AdversarialObjective,
    GlobalCritic,
)
from inpaint_export.survey.comparators.layers import conv, masked_input, paste, up
from inpaint_export.training.critics import HoleRegion
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory

GRID = 8


class ChannelwiseLinear(nn.Module):
    """Fully connected over the positions of each channel, then a 1x1 convolution between them."""

    adamw = ("weight",)

    def __init__(self, channels: int) -> None:
        super().__init__()
        positions = GRID * GRID
        self.weight = nn.Parameter(torch.randn(channels, positions, positions) * positions**-0.5)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """From and to [N, C, h, w]."""
        grid = F.interpolate(x, size=(GRID, GRID), mode="bilinear")
        rows = grid.flatten(2).transpose(0, 1)  # [C, N, 64]
        grid = (rows @ self.weight).transpose(0, 1).reshape(grid.shape)
        return F.relu(self.mix(F.interpolate(grid, size=x.shape[2:], mode="bilinear")))


class ContextEncoder(nn.Module):
    """Inpainting through a bottleneck."""

    size_multiple = 32
    memory = Memory(bytes_per_pixel=410)
    adamw = ("first", "last")

    def __init__(self, widths: tuple[int, ...] = (48, 80, 128, 160, 192)) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.first = conv(4, widths[0], 4, stride=2, norm="none", slope=0.2)
        self.encode = nn.Sequential(*(conv(a, b, 4, stride=2, slope=0.2) for a, b in pairs))
        self.connect = ChannelwiseLinear(widths[-1])
        self.decode = nn.Sequential(*(up(b, a) for a, b in reversed(pairs)))
        self.last = nn.ConvTranspose2d(widths[0], 3, 4, 2, 1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`."""
        x = self.connect(self.encode(self.first(masked_input(image, mask))))
        return paste(image, 0.5 + self.last(self.decode(x)), mask)


class ContextEncoding(AdversarialObjective):
    """The squared error in the hole, and a critic of the square about it."""

    def __init__(self, model: nn.Module, *, weight: float = 0.001, side: int = 128) -> None:
        super().__init__(model, GlobalCritic(3), loss="log", weight=weight)
        self.side = side

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        image, mask = batch["image"], batch["mask"]
        output = self.model(image, mask).float()
        squared = (output - image).square().sum() / (3.0 * mask.sum()).clamp(min=1.0)
        return output, (1.0 - self.weight) * squared

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(HoleRegion(batch["mask"], self.side)(picture) - 0.5)
        return scores
