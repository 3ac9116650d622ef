"""A mask reduced to a grid of square cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask

CELL = 16
"""Pixels on a side of the cells on which crops are planned."""


def cells_touched(mask: Mask) -> NDArray[np.uint8]:
    """Nonzero for each cell with a pixel of the mask, uint8 [ceil(H/CELL), ceil(W/CELL)]."""
    return _reduced(np.maximum, mask, CELL)


def cells_filled(mask: Mask, side: int) -> NDArray[np.uint8]:
    """255 for each square of ``side`` pixels that is all mask, else 0, uint8."""
    return _reduced(np.minimum, mask, side)


def _reduced(ufunc: np.ufunc, mask: Mask, side: int) -> NDArray[np.uint8]:
    """Rows first, along memory: as fast as the mask can be read, ten times OpenCV's resize."""
    height, width = mask.shape
    whole = height - height % side
    rows = ufunc.reduce(mask[:whole].reshape(-1, side, width), axis=1)
    if whole < height:
        rows = np.concatenate([rows, ufunc.reduce(mask[whole:], axis=0, keepdims=True)])
    cells: NDArray[np.uint8] = ufunc.reduceat(rows, np.arange(0, width, side), axis=1)
    return cells
