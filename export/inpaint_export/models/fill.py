"""A classical start for inpainting networks: the hole filled smoothly, inside the graph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 4
"""Halvings of the pyramid; height and width must be multiples of ``2 ** LEVELS``."""

TRUST = 4.0
"""How much a cell's known share counts: from ``1 / TRUST`` on, a cell needs no help from above."""


class PullPushFill(nn.Module):
    """Fills holes by a pull-push pyramid, with a normalised convolution as its top.

    Known colours are averaged down ``LEVELS`` times ("pull"). On the coarsest grid every cell takes
    an average of all known cells, weighted by an inverse power of their distance, so that a
    hole of any width is filled. Then each finer level keeps what it knows and takes
    the rest from the level above, upsampled bilinearly ("push").

    Pull-push: Gortler et al., "The Lumigraph", 1996. Normalised convolution: Knutsson and
    Westin, 1993. It has no trained parameters.
    """

    kernel: Tensor

    def __init__(self, radius: int = 15, power: float = 5.0) -> None:
        super().__init__()
        axis = torch.arange(-radius, radius + 1, dtype=torch.float32)
        squared = axis[:, None] ** 2 + axis[None, :] ** 2
        kernel = (squared + 0.25) ** (-power / 2)
        kernel = (kernel / kernel.sum()).expand(4, 1, -1, -1).contiguous()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Returns ``image`` [N, 3, H, W] with the pixels where ``mask`` [N, 1, H, W] is 1 filled.

        H and W are multiples of ``2 ** LEVELS``. Where the mask is 0 the image is unchanged.
        """
        known = 1.0 - mask
        pyramid = [torch.cat([image * known, known], dim=1)]  # colour times weight, weight
        for _ in range(LEVELS):
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))

        coarse = pyramid.pop()  # [N, 4, H/16, W/16]
        spread = F.conv2d(coarse, self.kernel, padding=self.kernel.shape[-1] // 2, groups=4)
        # The mean of everything known reaches where even the widest kernel finds nothing.
        spread = spread + 1e-6 * coarse.mean(dim=(2, 3), keepdim=True)
        filled = _mix(coarse, spread[:, :3] / (spread[:, 3:] + 1e-20))
        while pyramid:
            level = pyramid.pop()
            upsampled = F.interpolate(filled, scale_factor=2.0, mode="bilinear")
            if pyramid:
                filled = _mix(level, upsampled)
            else:  # at full resolution a pixel is known or not
                filled = level[:, :3] + (1.0 - level[:, 3:]) * upsampled
        return filled


def _mix(level: Tensor, above: Tensor) -> Tensor:
    """Keeps a level's known colours and takes the rest from the level above."""
    weight = level[:, 3:]
    gain = torch.clamp(1.0 / (weight + 1e-6), max=TRUST)
    return level[:, :3] * gain + (1.0 - weight * gain) * above
