"""GLI, globally and locally consistent completion, of the survey's table 4.

Iizuka, Simo-Serra, Ishikawa: "Globally and Locally Consistent Image Completion", ACM Transactions
on Graphics (SIGGRAPH) 36(4), 2017. A convolutional network that goes down to a quarter of the
resolution only and gathers context by dilated convolutions, and one critic that judges the whole
picture and the square about the hole together; trained in three phases: the squared error alone,
then the critic alone is brought up to the generator, then both.

Left out: Poisson blending of the result. The critic's own phase trains the generator on, since the
training loop has one schedule for both.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import (
    AdversarialObjective,
    GlobalCritic,
)
from inpaint_export.survey.comparators.layers import conv, masked_input, paste, up
from inpaint_export.training.critics import HoleRegion
from inpaint_export.training.objective import Batch
from inpaint_sdk import Memory


class CompletionNetwork(nn.Module):
    """Inpainting at a quarter of the resolution, with dilated convolutions."""

    size_multiple = 4
    memory = Memory(bytes_per_pixel=515)
    adamw = ("first", "last")

    def __init__(self, width: int = 13, dilations: tuple[int, ...] = (2, 4, 8, 16)) -> None:
        super().__init__()
        half, quarter = 2 * width, 4 * width
        self.first = conv(4, width, 5)
        self.layers = nn.Sequential(
            conv(width, half, stride=2),
            conv(half, half),
            conv(half, quarter, stride=2),
            conv(quarter, quarter),
            *(conv(quarter, quarter, dilation=d) for d in dilations),
            conv(quarter, quarter),
            up(quarter, half),
            conv(half, half),
            up(half, width),
        )
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`."""
        x = self.layers(self.first(masked_input(image, mask)))
        return paste(image, 0.5 + self.last(x), mask)


class GlobalAndLocalCritic(nn.Module):
    """One score from the whole picture and from the square in which its hole is widest."""

    adamw = ("last",)

    def __init__(self, side: int, numbers: int = 64) -> None:
        super().__init__()
        self.side = side
        self.whole = GlobalCritic(4, numbers)
        self.region = GlobalCritic(3, numbers)
        self.last = nn.Linear(2 * numbers, 1)

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """Scores [N, 1] of [N, 3, H, W] under its mask [N, 1, H, W]."""
        whole = self.whole(picture, mask)
        region = self.region(HoleRegion(mask, self.side)(picture))
        scores: Tensor = self.last(torch.relu(torch.cat([whole, region], dim=1)))
        return scores


class Completion(AdversarialObjective):
    """The squared error, then the critic of the whole and of the region with it."""

    def __init__(
        self, model: nn.Module, *, weight: float = 4e-4, start: float = 0.2, side: int = 128
    ) -> None:
        critic = GlobalAndLocalCritic(side)
        super().__init__(model, critic, loss="log", weight=weight, start=start)

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        image, mask = batch["image"], batch["mask"]
        output = self.model(image, mask).float()
        return output, (output - image).square().sum() / (3.0 * mask.sum()).clamp(min=1.0)

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5, batch["mask"])
        return scores
