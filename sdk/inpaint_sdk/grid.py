"""A hole seen on a grid of square cells."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.masks import Hole


def cells_touched(hole: Hole, side: int) -> NDArray[np.uint8]:
    """Nonzero for each cell with a pixel of the hole, uint8 [ceil(H/side), ceil(W/side)]."""
    return _means(hole, side, cv2.BORDER_CONSTANT)


def cells_filled(hole: Hole, side: int) -> NDArray[np.uint8]:
    """255 for each cell that is all hole, else 0; of the same shape."""
    filled: NDArray[np.uint8] = np.where(_means(hole, side, cv2.BORDER_REPLICATE) == 255, 255, 0)
    return filled.astype(np.uint8)


def _means(hole: Hole, side: int, border: int) -> NDArray[np.uint8]:
    """Rounded means of cells. With up to 16x16 pixels of 0 and 255, one of the other kind shows."""
    height, width = hole.shape
    below, beside = -height % side, -width % side
    if below or beside:
        hole = cv2.copyMakeBorder(hole, 0, below, 0, beside, border).astype(np.uint8, copy=False)
    size = hole.shape[1] // side, hole.shape[0] // side
    means = cv2.resize(hole, size, interpolation=cv2.INTER_AREA)
    return means.astype(np.uint8, copy=False)
