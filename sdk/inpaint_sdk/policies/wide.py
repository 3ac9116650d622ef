"""Telling wide holes from narrow ones."""

from __future__ import annotations

import cv2

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.grid import CELL, cells_touched


def has_wide_part(mask: Mask, width: float) -> bool:
    """Whether a disc of that many pixels across has room in what a mask [H, W] marks."""
    # At a glance: cells that are touched overstate what is marked by less than a cell a side.
    cells = cv2.distanceTransform(cells_touched(mask), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    if 2.0 * CELL * (float(cells.max()) + 1.0) <= width:
        return False
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    return 2.0 * float(distance.max()) > width
