"""Which parts of a picture an inpainting network is shown, so that cost follows the damage.

Everything is decided on a grid of cells of 16 pixels. Damaged cells are grouped into connected
components; a component's crop is its bounding box and a context in proportion to it. Crops are
joined where one is cheaper than two. A crop that is mostly undamaged, like a long scratch's, or too
large for one run, is cut in two, again and again. The parts of one crop are filled one after the
other, and what one has filled is known to the next, so that they fit together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.grid import CELL

RUN_COST = 64 * 64
"""What a run costs besides its pixels, in pixels."""

MAX_GROUPS = 4096
"""Groups of damage that are told apart; where there are more, near ones are joined first."""

_NOWHERE = -(1 << 31)  # edges of a box that meets no other
_NEVER = -(1 << 62)  # cost of one that is joined with no other


@dataclass(frozen=True)
class CropLimits:
    """What a network wants of the crops that it is shown, in pixels.

    context: minimum and maximum on each side of the damage; within them, a quarter of the damage's
    longer side. multiple: of which sides are, so that crops of one size can share a run.
    max_pixels: in one run.
    """

    context: tuple[int, int]
    multiple: int
    max_pixels: int


@dataclass(frozen=True)
class Crop:
    """One part of a picture.

    box: what the network is shown. core: where its result is used. is_part: of a crop that was cut;
    what it fills is known to the crops after it.
    """

    box: Box
    core: Box
    is_part: bool = False


def plan_crops(mask: Mask, cells: NDArray[np.uint8], limits: CropLimits) -> list[Crop]:
    """Returns crops whose cores cover every pixel of a mask, in the order in which to fill them.

    mask: uint8 [H, W]. cells: ``cells_touched(mask)``. Crops of one size follow each other, except
    for parts, which come last.
    """
    planner = _Planner(mask, cells, limits)
    plain: list[Crop] = []
    parts: list[Crop] = []
    for cores in planner.divided_groups():
        crops = [Crop(planner.box(core), core, is_part=len(cores) > 1) for core in cores]
        (parts if len(cores) > 1 else plain).extend(crops)
    return sorted(plain, key=lambda c: (c.box.height, c.box.width)) + parts


class _Planner:
    def __init__(self, mask: Mask, cells: NDArray[np.uint8], limits: CropLimits) -> None:
        self._limits = limits
        self._height, self._width = mask.shape
        self._cells = cells

    def divided_groups(self) -> list[list[Box]]:
        """Cores that cover the damage, in a list for each group."""
        groups = self._groups()
        divided = [self._divide(group) for group in groups]
        if len(groups) > 1:
            outline = reduce(Box.union, groups)
            if _total(divided) > self.cost(outline):  # damage is nearly everywhere
                divided = min(divided, [self._divide(outline)], key=_total)
        return [cores for _, cores in divided]

    def _groups(self) -> list[Box]:
        """Bounding boxes of components, joined where they meet or where that is cheaper."""
        cells = self._cells
        while True:
            count, _, stats, _ = cv2.connectedComponentsWithStats(cells, connectivity=8)
            if count <= MAX_GROUPS:
                break
            # Dust: what is near counts as one.
            cells = cv2.dilate(cells, np.ones((3, 3), np.uint8)).astype(np.uint8)
        boxes = (Box(y, y + h, x, x + w) for x, y, w, h, _ in stats[1:count].tolist())
        tight = (self._tight(self._to_pixels(box)) for box in boxes)
        return _join([box for box in tight if box], self)

    def cost(self, core: Box) -> int:
        return self.box(core).area + RUN_COST

    def _divide(self, core: Box) -> tuple[int, list[Box]]:
        """The cost of a core and the core, or of several that cover it.

        Several if they are cheaper or it is too large for one run.
        """
        whole = self.cost(core), [core]
        fits = self.box(core).area <= self._limits.max_pixels
        side = max(core.height, core.width)
        if side < 2 * CELL or (fits and side < 2 * self._limits.context[1]):
            return whole
        cost, cores = 0, []
        for half in _halves(core):
            part = self._tight(half)
            if part is not None:
                part_cost, part_cores = self._divide(part)
                cost += part_cost
                cores += part_cores
        # Cutting must pay: each cut is a place where two results meet.
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

    def with_context(self, core: Box) -> Box:
        """A core with its context, as far as the picture goes."""
        least, most = self._limits.context
        # What is long and thin needs no wider view than its width does.
        context = min(max(min(core.height, core.width) // 4, least), most)
        return Box(
            max(0, core.top - context),
            min(self._height, core.bottom + context),
            max(0, core.left - context),
            min(self._width, core.right + context),
        )

    def box(self, core: Box) -> Box:
        """The crop for a core; its sides are multiples of ``multiple`` where there is room."""
        top, bottom, left, right = self.with_context(core)
        multiple = self._limits.multiple
        rows = _widen(top, bottom, self._height, multiple)
        columns = _widen(left, right, self._width, multiple)
        return Box(*rows, *columns)


def _total(divided: list[tuple[int, list[Box]]]) -> int:
    return sum(cost for cost, _ in divided)


def _halves(core: Box) -> tuple[Box, Box]:
    """A core cut across its longer side, on the grid."""
    if core.height >= core.width:
        middle = (core.top + core.height // 2) // CELL * CELL
        return core._replace(bottom=middle), core._replace(top=middle)
    middle = (core.left + core.width // 2) // CELL * CELL
    return core._replace(right=middle), core._replace(left=middle)


def _join(cores: list[Box], planner: _Planner) -> list[Box]:
    """Joins boxes until none meet and no two are cheaper as one.

    A box is compared with all others at once, by a lower bound of what a joint crop would cost:
    the outline of both with their contexts. Only where that is low enough is the cost computed.
    """
    # As (-top, bottom, -left, right): an outline is then a maximum.
    edges = np.empty((4, len(cores)), np.int32)
    surroundings = np.empty_like(edges)
    costs = np.empty(len(cores), np.int64)
    joined: list[Box | None] = []
    waiting = cores[::-1]
    while waiting:
        core = waiting.pop()
        cost, surrounding = planner.cost(core), _edges(planner.with_context(core))
        count = len(joined)
        top, bottom, left, right = edges[:, :count]
        meets = (top > -core.bottom) & (bottom > core.top)
        meets &= (left > -core.right) & (right > core.left)
        top, bottom, left, right = np.maximum(surroundings[:, :count], surrounding)
        least = np.multiply(top + bottom, left + right, dtype=np.int64) + RUN_COST
        for index in np.flatnonzero(meets | (least <= costs[:count] + cost)).tolist():
            other = joined[index]
            assert other is not None
            both = core.union(other)
            if meets[index] or planner.cost(both) <= cost + int(costs[index]):
                joined[index] = None
                edges[:, index], costs[index] = _NOWHERE, _NEVER
                waiting.append(both)  # which may now meet yet others
                break
        else:
            edges[:, count : count + 1] = _edges(core)
            surroundings[:, count : count + 1] = surrounding
            costs[count] = cost
            joined.append(core)
    return [core for core in joined if core is not None]


def _edges(box: Box) -> NDArray[np.int32]:
    return np.array([[-box.top], [box.bottom], [-box.left], [box.right]], np.int32)


def _widen(start: int, end: int, limit: int, multiple: int) -> tuple[int, int]:
    """Adds what is missing to a length that is a multiple, within [0, ``limit``].

    Real pixels make a better last few rows than the mirrored ones that padding would add.
    """
    end = min(limit, end + -(end - start) % multiple)
    start = max(0, start - -(end - start) % multiple)
    return start, end
