"""Coarse to fine: a hole wider than a model can bridge gets its structure from a reduced picture.

The picture is halved until the hole is narrow enough and filled there; the result, enlarged again,
stands for the hole's inside, which then counts as known. Only a rim along the hole's edge is filled
at each size, so that what is near known pixels has their detail.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.grid import CELL, cells_filled

Planes = NDArray[np.float32]
Cells = NDArray[np.uint8]

GRAIN = 4
"""Pixels on a side of the blocks in which depth is measured: finer would change nothing."""


def deep_part(hole: Mask, cells: Cells, reach: int, rim: int) -> tuple[Box, Mask] | None:
    """The inside of holes too wide to be filled directly, or None if there are none.

    hole: uint8 [H, W]. cells: ``cells_touched`` by it. reach: pixels from its edge that a model
    bridges. rim: pixels from its edge that are filled at this size. Returns the box of the insides
    and, uint8 [box], 255 where a pixel of a wide hole is further from the edge than the rim.
    """
    area = _maybe_deep(cells, reach)
    if area is None:
        return None
    height, width = hole.shape
    area = area._replace(bottom=min(area.bottom, height), right=min(area.right, width))
    found = _deep_part(np.ascontiguousarray(hole[area.slices]), reach, rim)
    if found is None:
        return None
    box, inside = found
    return box.moved(area.top, area.left), inside


def _maybe_deep(cells: Cells, reach: int) -> Box | None:
    """A box that holds every hole in which something is further than ``reach`` from its edge.

    Most of a large picture is out of question at a glance, on a grid of cells, which understates
    depth by less than a cell. The box may reach beyond the picture below and at the right.
    """
    distance = cv2.distanceTransform(cells, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    deep = distance > reach / CELL - 1.0
    if not deep.any():
        return None
    count, labels = cv2.connectedComponents(cells, connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[deep]] = True
    x, y, width, height = cv2.boundingRect(kept[labels].astype(np.uint8))
    # And a cell around them, where they end.
    return Box(
        CELL * max(y - 1, 0),
        CELL * (y + height + 1),
        CELL * max(x - 1, 0),
        CELL * (x + width + 1),
    )


def _deep_part(hole: Mask, reach: int, rim: int) -> tuple[Box, Mask] | None:
    """:func:`deep_part` by blocks, in all of a hole."""
    height, width = hole.shape
    blocks = cells_filled(hole, GRAIN)
    distance = cv2.distanceTransform(blocks, cv2.DIST_L2, cv2.DIST_MASK_3)
    too_deep = distance > reach / GRAIN
    if not too_deep.any():
        return None
    inside = (distance > rim / GRAIN).astype(np.uint8)
    count, labels = cv2.connectedComponents(inside, connectivity=8)
    wide = np.zeros(count, bool)
    wide[labels[too_deep]] = True
    inside = np.where(wide[labels], inside * 255, 0).astype(np.uint8)
    x, y, columns, rows_ = cv2.boundingRect(inside)
    fine = inside[y : y + rows_, x : x + columns].repeat(GRAIN, axis=0).repeat(GRAIN, axis=1)
    box = Box(
        GRAIN * y, min(GRAIN * (y + rows_), height), GRAIN * x, min(GRAIN * (x + columns), width)
    )
    return box, np.ascontiguousarray(fine[: box.height, : box.width])


def halved(height: int, width: int) -> tuple[int, int]:
    """Height and width at half the size."""
    return max(1, round(height / 2)), max(1, round(width / 2))


def reduce_hole(hole: Mask, size: tuple[int, int]) -> Mask:
    """A hole at a smaller size (height, width): what is mostly hole; something stays known."""
    return _known_share(hole, size)[1]


def reduce(planes: Planes, hole: Mask, size: tuple[int, int]) -> Planes:
    """A picture float32 [H, W, C] at a smaller size (height, width), from its known pixels."""
    share, _ = _known_share(hole, size)
    known = planes * (hole == 0)[..., None].astype(np.float32)
    small = cv2.resize(known, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, -1)
    small /= np.maximum(share, 1e-6)[..., None]
    clipped: Planes = np.clip(small, 0.0, 1.0).astype(np.float32, copy=False)
    return clipped


def enlarge(planes: Planes, height: int, width: int) -> Planes:
    """A picture float32 [h, w, C] at another size, smoothly; it may leave [0, 1] a little."""
    large = cv2.resize(planes, (width, height), interpolation=cv2.INTER_CUBIC)
    return large.reshape(height, width, -1).astype(np.float32, copy=False)


def _known_share(hole: Mask, size: tuple[int, int]) -> tuple[Planes, Mask]:
    known = (hole == 0).astype(np.float32)
    share = cv2.resize(known, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    small = share < 0.5
    if small.all():
        small = share == 0.0
    return share, np.multiply(small, 255, dtype=np.uint8)
