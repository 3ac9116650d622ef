"""Recurrence whose response does not depend on the length of lines."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import SLOPE
from inpaint_kernels.torch_op import directional_scan

LARGEST_WEIGHT = 1.0 - 1.0 / 32.0


class AveragingRound(nn.Module):
    """One round: weighted means in four directions, weighed at each position, mixed.

    A scan sums up what it has passed, so its maps grow from a line's start on, for as long as it
    remembers. A network that learns on small crops takes such sums for what pictures have in them,
    and responds too strongly where lines are longer: under one that had learned on crops of 160
    pixels, changes of pictures of 480 were half as large again as would have been best. Here each
    sum is divided by that of its weights.

    Channels remember from 2 to 16 positions at first, and learn to remember 32 at most.
    """

    adamw = ("raw_weight", "bias")

    def __init__(self, channels: int) -> None:
        super().__init__()
        memory = torch.logspace(1.0, 4.0, channels, base=2.0)
        self.raw_weight = nn.Parameter(
            torch.logit((1.0 - 1.0 / memory) / LARGEST_WEIGHT).repeat(4, 1)
        )
        self.bias = nn.Parameter(torch.zeros(4, channels))
        self.scores = nn.Conv2d(channels, 4, 1)
        self.mix = nn.Conv2d(4 * channels, channels, 1)

    @staticmethod
    def unfold(weight: Tensor) -> Tensor:
        """The parameter ``raw_weight`` of a scan's weight, which is below the largest one."""
        return torch.logit((weight / LARGEST_WEIGHT).clamp(1e-6, 1.0 - 2.0**-20))

    def forward(self, x: Tensor) -> Tensor:
        """From and to [N, C, H, W]."""
        weight = LARGEST_WEIGHT * torch.sigmoid(self.raw_weight)
        maps = directional_scan(x, weight, self.bias).chunk(4, dim=1)  # up, right, down, left
        scores = (torch.sigmoid(self.scores(x)) * 2.0).chunk(4, dim=1)  # 1 when undecided
        from_top, from_left = _positions(x.shape[2], x), _positions(x.shape[3], x)
        places = (
            (x.shape[2] + 1.0 - from_top)[:, None],
            from_left,
            from_top[:, None],
            x.shape[3] + 1.0 - from_left,
        )
        means = [
            m * (s * to_mean(w[:, None, None], place).to(m.dtype))
            for m, s, w, place in zip(maps, scores, weight, places, strict=True)
        ]
        return F.leaky_relu(self.mix(torch.cat(means, dim=1)), SLOPE)


def to_mean(weight: Tensor, place: Tensor) -> Tensor:
    """What makes a scan's sum at a place of its line, counted from 1, a mean.

    One over the sum of as many powers of the weight, from the power 0 up.
    """
    return (1.0 - weight) / (1.0 - weight**place)


def _positions(length: int, like: Tensor) -> Tensor:
    return torch.arange(1, length + 1, device=like.device, dtype=torch.float32)
