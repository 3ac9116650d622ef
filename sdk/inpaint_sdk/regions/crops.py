"""Which parts of a picture an inpainting network is shown, so that cost follows the damage.

Everything is decided on a grid of cells of 16 pixels. Cells with damage are grouped into connected
components; a component's crop is its bounding box and a context in proportion to it. Crops are
joined where one is cheaper than two, and a crop that is mostly undamaged, like a long scratch's,
or too large for one run, is cut in two, again and again. The parts of one crop are filled one after
the other, and what one has filled is known to the next, so that they join.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.grid import CELL

RUN_COST = 64 * 64
"""What a run costs besides its pixels, in pixels."""


MOST_GROUPS = 512
"""Groups of damage that are told apart; where there are more, near ones are joined first."""


@dataclass(frozen=True)
class Shape:
    """What a network wants of the crops that it is shown, in pixels.

    context: least and most on each side of the damage. step: sides are multiples of it, so that
    crops of one shape can share a run. most: pixels in one run.
    """

    context: tuple[int, int]
    step: int
    most: int


@dataclass(frozen=True)
class Crop:
    """One part of a picture.

    box: what the network is shown. core: where its result is used. is_part: of a crop that was cut,
    so what it fills is known to the crops after it.
    """

    box: Box
    core: Box
    is_part: bool = False


def plan_crops(hole: Mask, cells: NDArray[np.uint8], shape: Shape) -> list[Crop]:
    """The crops that cover every pixel of the hole [H, W], in the order in which to fill them.

    cells: ``cells_touched`` by the hole.
    Crops of one shape follow each other, but for those that are parts.
    """
    planner = _Planner(hole, cells, shape)
    plain: list[Crop] = []
    parts: list[Crop] = []
    for group in planner.groups():
        cores = planner.divide(group)
        if len(cores) == 1:
            plain.append(Crop(planner.box(cores[0]), cores[0]))
        else:
            parts.extend(Crop(planner.box(core), core, is_part=True) for core in cores)
    return sorted(plain, key=lambda c: (c.box.height, c.box.width)) + parts


class _Planner:
    def __init__(self, hole: Mask, cells: NDArray[np.uint8], shape: Shape) -> None:
        self._shape = shape
        self._height, self._width = hole.shape
        self._cells = cells

    def groups(self) -> list[Box]:
        """Bounding boxes of components, joined where they meet or where that is cheaper."""
        cells = self._cells
        while True:
            count, _, stats, _ = cv2.connectedComponentsWithStats(cells, connectivity=8)
            if count <= MOST_GROUPS:
                break
            # Dust: what is near counts as one.
            cells = cv2.dilate(cells, np.ones((3, 3), np.uint8)).astype(np.uint8)
        boxes = (Box(y, y + h, x, x + w) for x, y, w, h, _ in stats[1:count].tolist())
        tight = (self._tight(self._to_pixels(box)) for box in boxes)
        return _join([box for box in tight if box], self)

    def divide(self, core: Box) -> list[Box]:
        """The core, or several that cover it if they are cheaper or it is too large for one run."""
        return self._divide(core)[1]

    def cost(self, core: Box) -> int:
        return self.box(core).area + RUN_COST

    def _divide(self, core: Box) -> tuple[int, list[Box]]:
        whole = self.cost(core), [core]
        fits = self.box(core).area <= self._shape.most
        side = max(core.height, core.width)
        if side < 2 * CELL or (fits and side < 2 * self._shape.context[1]):
            return whole
        cost, cores = 0, []
        for half in _halves(core):
            part = self._tight(half)
            if part is not None:
                part_cost, part_cores = self._divide(part)
                cost += part_cost
                cores += part_cores
        # Cutting must pay: each cut is a place where two answers meet.
        if fits and cost > 0.8 * whole[0]:
            return whole
        return cost, cores

    def _tight(self, core: Box) -> Box | None:
        """The box around the damaged cells of a core, or None if there are none."""
        top, left = core.top // CELL, core.left // CELL
        part = self._cells[top : -(-core.bottom // CELL), left : -(-core.right // CELL)]
        x, y, width, height = cv2.boundingRect(part)
        if not width:
            return None
        top, left = top + y, left + x
        return self._to_pixels(Box(top, top + height, left, left + width))

    def _to_pixels(self, cells: Box) -> Box:
        top, bottom, left, right = (CELL * end for end in cells)
        return Box(top, min(bottom, self._height), left, min(right, self._width))

    def box(self, core: Box) -> Box:
        """A core with its context, of sides that are multiples of the step where there is room."""
        least, most = self._shape.context
        context = min(max(max(core.height, core.width) // 4, least), most)
        rows = _widen(core.top, core.bottom, context, self._height, self._shape.step)
        columns = _widen(core.left, core.right, context, self._width, self._shape.step)
        return Box(*rows, *columns)


def _halves(core: Box) -> tuple[Box, Box]:
    """A core cut across its longer side, on the grid."""
    if core.height >= core.width:
        middle = (core.top + core.height // 2) // CELL * CELL
        return core._replace(bottom=middle), core._replace(top=middle)
    middle = (core.left + core.width // 2) // CELL * CELL
    return core._replace(right=middle), core._replace(left=middle)


def _join(cores: list[Box], planner: _Planner) -> list[Box]:
    """Joins boxes until none meet and no two are cheaper as one."""
    merged: list[Box] = []
    waiting = list(reversed(cores))
    while waiting:
        core = waiting.pop()
        for index, other in enumerate(merged):
            both = core.union(other)
            if core.meets(other) or planner.cost(both) <= planner.cost(core) + planner.cost(other):
                del merged[index]
                waiting.append(both)  # which may now meet yet others
                break
        else:
            merged.append(core)
    return merged


def _widen(start: int, end: int, context: int, limit: int, step: int) -> tuple[int, int]:
    """Adds the context and what is missing to a multiple of the step, within ``limit``.

    Real pixels make a better last few rows than the mirrored ones that padding would add.
    """
    start, end = max(0, start - context), min(limit, end + context)
    missing = -(end - start) % step
    end = min(limit, end + missing)
    start = max(0, start - (-(end - start) % step))
    return start, end
