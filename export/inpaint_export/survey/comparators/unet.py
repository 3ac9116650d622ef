"""A plain U-Net (Ronneberger et al., 2015), which the recurrent families are compared with."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import SLOPE, double, residual_blocks, start_at_zero
from inpaint_export.models.sarnn import PooledContext, apply_gain_and_offset
from inpaint_sdk import Memory


class UNet(nn.Module):
    """An encoder and a decoder at 1/4, 1/8, 1/16 and 1/32, with skips and no recurrence.

    Stem, heads, pooled branch and the form of the output are those of
    :class:`inpaint_export.models.sarnn.Sarnn`, and its size is about that one's, so that what
    differs is how context is gathered.

    widths: channels at the four resolutions. blocks: residual blocks at each, on both ways.
    """

    size_multiple = 32
    memory = Memory(bytes_per_pixel=170)
    adamw = ("stem", "smooth_head", "fine_head", "attention")

    def __init__(
        self,
        widths: tuple[int, ...] = (48, 72, 72, 72),
        blocks: tuple[int, ...] = (2, 2, 1, 1),
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 8, stride=4, padding=2)
        levels = list(zip(widths, blocks, strict=True))
        self.encode = nn.ModuleList(residual_blocks(w, n) for w, n in levels)
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in steps)
        self.pooled = PooledContext(widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in steps)
        self.decode = nn.ModuleList(residual_blocks(w, n) for w, n in levels[:-1])
        self.smooth_head = nn.Conv2d(widths[1], 6, 1)
        self.fine_head = nn.Conv2d(widths[0], 6 * 16, 3, padding=1)
        self.attention = nn.Conv2d(widths[1], 1, 3, padding=1)
        for head in (self.smooth_head, self.fine_head):
            start_at_zero(head)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`inpaint_export.models.sarnn.Sarnn.forward`; sides are multiples of 32."""
        x = self.encode[0](F.leaky_relu(self.stem(image - 0.5), SLOPE))
        skips = [x]
        for down, encode in zip(self.down, self.encode[1:], strict=True):
            x = encode(F.leaky_relu(down(x), SLOPE))
            skips.append(x)
        x = self.pooled(x)
        for level in reversed(range(len(self.up))):
            x = self.decode[level](skips[level] + double(self.up[level](x)))
            if level == 1:
                smooth, attention = self.smooth_head(x), torch.sigmoid(self.attention(x))
        return apply_gain_and_offset(image, smooth, self.fine_head(x), attention)
