"""Telling wide holes from narrow ones."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_sdk.images.masks import Mask


def wide_part(hole: Mask, width: float) -> Mask:
    """The holes in which a disc of that many pixels across has room, uint8 [H, W], 255 in them."""
    distance = cv2.distanceTransform(hole, cv2.DIST_L2, cv2.DIST_MASK_5)
    count, labels = cv2.connectedComponents(hole, connectivity=8)
    wide = np.zeros(count, bool)
    wide[labels[2.0 * distance > width]] = True
    part: Mask = np.multiply(wide[labels], 255, dtype=np.uint8)
    return part
