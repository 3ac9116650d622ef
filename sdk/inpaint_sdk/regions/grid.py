"""A mask reduced to a grid of square cells."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask

CELL = 8
"""Pixels on a side of the cells on which crops are planned."""


def cells_touched(mask: Mask) -> NDArray[np.uint8]:
    """Nonzero for each cell with a pixel of the mask, uint8 [ceil(H/CELL), ceil(W/CELL)]."""
    return _reduced(np.maximum, mask, CELL)


def cells_filled(mask: Mask, side: int) -> NDArray[np.uint8]:
    """255 for each square of ``side`` pixels that is all mask, else 0, uint8."""
    return _reduced(np.minimum, mask, side)


def damage_width(mask: Mask) -> NDArray[np.float32] | None:
    """About how wide damage is in each cell, in pixels, float32 [ceil(H/CELL), ceil(W/CELL)].

    0 where it is narrower than about 4 pixels; None if it is so everywhere. What is beside the mask
    counts as undamaged.
    """
    height, width = mask.shape
    rows = mask[: height - 1 : 2] & mask[1::2]
    blocks = np.ascontiguousarray(rows[:, : width - 1 : 2] & rows[:, 1::2])
    if not blocks.any():
        return None
    blocks = cv2.copyMakeBorder(blocks, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(blocks, cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]
    found = 4.0 * _reduced(np.maximum, distance, CELL // 2)
    # A last row or column of less than a block has none.
    widths = np.zeros((-(-height // CELL), -(-width // CELL)), np.float32)
    widths[: found.shape[0], : found.shape[1]] = found
    return widths


def _reduced(ufunc: np.ufunc, mask: NDArray[Any], side: int) -> NDArray[Any]:
    """Rows first, along memory: as fast as the mask can be read, ten times OpenCV's resize."""
    height, width = mask.shape
    whole = height - height % side
    rows = ufunc.reduce(mask[:whole].reshape(-1, side, width), axis=1)
    if whole < height:
        rows = np.concatenate([rows, ufunc.reduce(mask[whole:], axis=0, keepdims=True)])
    cells: NDArray[Any] = ufunc.reduceat(rows, np.arange(0, width, side), axis=1)
    return cells
