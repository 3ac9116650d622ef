"""Coarse to fine: damage wider than a model can bridge gets its structure from a reduced picture.

The picture is halved until the mask is narrow enough, and filled at that size. The result, enlarged
again, stands for the mask's inside, which then counts as known. Only a rim along the mask's edge is
filled at each size, so that what is near known pixels has their detail.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.grid import CELL, cells_filled

Floats = NDArray[np.float32]
Cells = NDArray[np.uint8]

GRAIN = 4
"""Pixels on a side of the blocks in which depth is measured: finer would change nothing."""


def deep_part(mask: Mask, cells: Cells, reach: int, rim: int) -> tuple[Box, Mask] | None:
    """Returns the inside of damage too wide to be filled directly, or None if there is none.

    mask: uint8 [H, W]. cells: ``cells_touched(mask)``. reach: pixels from its edge that a model
    bridges. rim: pixels from its edge that are filled at this size. Returns the box of the insides
    and, uint8 [box], 255 where a pixel of wide damage is further from the edge than the rim.
    """
    area = _maybe_deep(cells, reach)
    if area is None:
        return None
    height, width = mask.shape
    area = area._replace(bottom=min(area.bottom, height), right=min(area.right, width))
    found = _deep_part(np.ascontiguousarray(mask[area.slices]), reach, rim)
    if found is None:
        return None
    box, inside = found
    return box.moved(area.top, area.left), inside


def _maybe_deep(cells: Cells, reach: int) -> Box | None:
    """A box around all damage with a pixel that may be further than ``reach`` from its edge.

    Most of a large picture is ruled out quickly on a grid of cells, which understates depth by less
    than a cell. The box may extend beyond the picture below and at the right.
    """
    distance = cv2.distanceTransform(cells, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    deep = distance > reach / CELL - 1.0
    if not deep.any():
        return None
    count, labels = cv2.connectedComponents(cells, connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[deep]] = True
    x, y, width, height = cv2.boundingRect(kept[labels].astype(np.uint8))
    # And a cell around it, in which the damage ends.
    return Box(
        CELL * max(y - 1, 0),
        CELL * (y + height + 1),
        CELL * max(x - 1, 0),
        CELL * (x + width + 1),
    )


def _deep_part(mask: Mask, reach: int, rim: int) -> tuple[Box, Mask] | None:
    """:func:`deep_part` by blocks, in all of a mask."""
    height, width = mask.shape
    blocks = cells_filled(mask, GRAIN)
    distance = cv2.distanceTransform(blocks, cv2.DIST_L2, cv2.DIST_MASK_3)
    too_deep = distance > reach / GRAIN
    if not too_deep.any():
        return None
    inside = (distance > rim / GRAIN).astype(np.uint8)
    count, labels = cv2.connectedComponents(inside, connectivity=8)
    wide = np.zeros(count, bool)
    wide[labels[too_deep]] = True
    inside = np.where(wide[labels], inside * 255, 0).astype(np.uint8)
    x, y, columns, rows = cv2.boundingRect(inside)
    fine = inside[y : y + rows, x : x + columns].repeat(GRAIN, axis=0).repeat(GRAIN, axis=1)
    box = Box(
        GRAIN * y, min(GRAIN * (y + rows), height), GRAIN * x, min(GRAIN * (x + columns), width)
    )
    return box, np.ascontiguousarray(fine[: box.height, : box.width])


def halved(height: int, width: int) -> tuple[int, int]:
    """Height and width at half the size."""
    return max(1, round(height / 2)), max(1, round(width / 2))


def reduce_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask at a smaller size (height, width): what is mostly masked; something stays known."""
    return _known_fraction(mask, size)[1]


def reduce(image: Floats, mask: Mask, size: tuple[int, int]) -> Floats:
    """A picture float32 [H, W, C] at a smaller size (height, width), from its known pixels."""
    fraction, _ = _known_fraction(mask, size)
    known = image * (mask == 0)[..., None].astype(np.float32)
    small = cv2.resize(known, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, -1)
    small /= np.maximum(fraction, 1e-6)[..., None]
    clipped: Floats = np.clip(small, 0.0, 1.0).astype(np.float32, copy=False)
    return clipped


def enlarge(image: Floats, height: int, width: int) -> Floats:
    """A picture float32 [h, w, C] at another size, smoothly; it may leave [0, 1] a little."""
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return large.reshape(height, width, -1).astype(np.float32, copy=False)


def _known_fraction(mask: Mask, size: tuple[int, int]) -> tuple[Floats, Mask]:
    known = (mask == 0).astype(np.float32)
    fraction = cv2.resize(known, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    small = fraction < 0.5
    if small.all():
        small = fraction == 0.0
    return fraction, np.multiply(small, 255, dtype=np.uint8)
