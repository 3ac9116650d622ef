"""Median filters of minima and maxima, which every runtime has.

Sorting networks on shifted views: no operator sorts, so the graphs are those of ``Min`` and ``Max``
for pictures of any size. Borders are replicated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def median3(image: Tensor, dilation: int = 1) -> Tensor:
    """Median of the 3x3 pixels around each, exact.

    Columns are sorted first, which neighbours share; the median of nine is the median of the
    largest minimum, the median median and the smallest maximum of its three columns.

    image: [N, C, H, W]. dilation: distance of the pixels in each direction; with more than 1 the
    nine are spread over ``2 * dilation + 1`` pixels. Returns [N, C, H, W].
    """
    height, width = image.shape[2:]
    padded = F.pad(image, (dilation,) * 4, mode="replicate")
    rows = (padded[:, :, i * dilation : i * dilation + height] for i in range(3))
    low, middle, high = _sort(*rows)  # [N, C, H, W + 2 * dilation] each

    def columns(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, b, c = (x[..., i * dilation : i * dilation + width] for i in range(3))
        return a, b, c

    a, b, c = columns(low)
    lowest = torch.maximum(torch.maximum(a, b), c)
    a, b, c = columns(high)
    highest = torch.minimum(torch.minimum(a, b), c)
    return _median(lowest, _median(*columns(middle)), highest)


def median7(median: Tensor) -> Tensor:
    """Median of about 7x7 pixels, from a picture's :func:`median3`.

    The median of nine medians that lie two pixels apart, which together cover 7x7 pixels: it
    removes what covers less than about a third of them, a line of two pixels' width among it.
    """
    return median3(median, dilation=2)


def _sort(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a, b = torch.minimum(a, b), torch.maximum(a, b)
    b, c = torch.minimum(b, c), torch.maximum(b, c)
    return torch.minimum(a, b), torch.maximum(a, b), c


def _median(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    return torch.maximum(low, torch.minimum(high, c))
