"""Which parts of a picture an inpainting network is shown, so that cost follows the damage.

Everything is decided on a grid of cells of 8 pixels. Damaged cells are grouped into connected
components; a component's crop is its bounding box and a context in proportion to the damage's
width. Crops are joined where one is cheaper than two. A crop that is mostly undamaged, like a long
scratch's, is cut into pieces wider than the damage, which are filled independently. Where only
narrower ones fit one run, they are filled one after the other, and what one has filled is known to
the next, so that they fit together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.grid import CELL, damage_width

THIN = 4
"""Width of damage, in pixels, up to which the least context is enough."""

PIECE = 2
"""Least side of a piece that is filled independently of its neighbours, in the damage's widths."""

SMALLEST_PIECE = 64
"""Side, in pixels, of the smallest pieces: of smaller ones, more of a crop would be context."""

CUT_GAIN = 0.9
"""What the cost must fall to for a cut: each is a place where two results meet."""

MAX_GROUPS = 4096
"""Groups of damage that are told apart; where there are more, near ones are joined first."""

_NOWHERE = -(1 << 31)  # edges of a box that meets no other
_NEVER = -(1 << 62)  # cost of one that is joined with no other


@dataclass(frozen=True)
class CropLimits:
    """What a network wants of the crops that it is shown, in pixels.

    context: on each side of the damage, the least, to which half of the damage's width is added
    unless it is thin, and the most. multiple: of which sides are, so that crops of one size can
    share a run. max_pixels: in one run. crop_cost: what a crop costs besides its pixels, in pixels.
    """

    context: tuple[int, int]
    multiple: int
    max_pixels: int
    crop_cost: int


@dataclass(frozen=True)
class Crop:
    """One part of a picture.

    box: what the network is shown. core: where its result is used. is_part: what it fills is known
    to the crops after it.
    """

    box: Box
    core: Box
    is_part: bool = False


def plan_crops(mask: Mask, cells: NDArray[np.uint8], limits: CropLimits) -> list[Crop]:
    """Returns crops whose cores cover every pixel of a mask, in the order in which to fill them.

    mask: uint8 [H, W]. cells: ``cells_touched(mask)``. Crops of one size follow each other, except
    for parts, which come last.
    """
    plain: list[Crop] = []
    parts: list[Crop] = []
    for group in _Planner(mask, cells, limits).divided_groups():
        (parts if group.crops[0].is_part else plain).extend(group.crops)
    return sorted(plain, key=lambda c: (c.box.height, c.box.width)) + parts


@dataclass(frozen=True)
class _Group:
    """Crops that cover a group of damage, and what they cost."""

    cost: int
    crops: list[Crop]


class _Planner:
    def __init__(self, mask: Mask, cells: NDArray[np.uint8], limits: CropLimits) -> None:
        self._limits = limits
        self._height, self._width = mask.shape
        self._cells = cells > 0
        self._mask = mask
        self._widths = np.zeros(cells.shape, np.float32)
        self._thin = True
        self.crop_cost = limits.crop_cost

    def divided_groups(self) -> list[_Group]:
        """Cores that cover the damage, group by group."""
        groups = self._groups()
        divided = [self._divide(group) for group in groups]
        if len(groups) > 1:
            outline = reduce(Box.union, groups)
            if _total(divided) > self.cost(outline):  # damage is nearly everywhere
                divided = min(divided, [self._divide(outline)], key=_total)
        return divided

    def _groups(self) -> list[Box]:
        """Bounding boxes of components, joined where they meet or where that is cheaper."""
        cells = self._cells.view(np.uint8)
        while True:
            count, _, stats, _ = cv2.connectedComponentsWithStats(cells, connectivity=8)
            if count <= MAX_GROUPS:
                break
            # Dust: what is near counts as one.
            cells = cv2.dilate(cells, np.ones((3, 3), np.uint8)).astype(np.uint8)
        boxes = [Box(y, y + h, x, x + w) for x, y, w, h, _ in stats[1:count].tolist()]
        for box in boxes:
            self._measure_width(box)
        tight = (self._tight(self._to_pixels(box)) for box in boxes)
        return _join([box for box in tight if box], self)

    def _measure_width(self, cells: Box) -> None:
        """Notes how wide damage is in a component, cell by cell."""
        found = damage_width(self._mask[self._to_pixels(cells).slices])
        if found is not None:
            # Of another component that reaches into the box, only a part is seen here.
            noted = self._widths[cells.slices]
            np.maximum(noted, found, out=noted)
            self._thin = False

    def cost(self, core: Box) -> int:
        return self.box(core).area + self.crop_cost

    def _divide(self, core: Box) -> _Group:
        """A core as it is, or several that cover it if they are cheaper or it is too large."""
        whole, side = self._group([core]), max(core.height, core.width)
        choices = []
        piece = max(SMALLEST_PIECE, -(-PIECE * self.width(core) // CELL) * CELL)
        while piece < side:
            choices += [self._group(cores) for cores in self._cut(core, piece)]
            piece *= 2
        choices = [group for group in choices if self._fits(group)]
        best = min(choices, key=lambda group: group.cost, default=whole)
        if self._fits(whole):
            return best if best.cost < CUT_GAIN * whole.cost else whole
        return best if choices else self._in_parts(core)

    def _in_parts(self, core: Box) -> _Group:
        """The largest pieces that fit one run, although damage is wider."""
        margin = 2 * self._context(core) + self._limits.multiple
        side = int(self._limits.max_pixels**0.5) - margin
        cores, _ = self._cut(core, max(CELL, side // CELL * CELL))
        return self._group(cores, in_order=True)

    def _group(self, cores: list[Box], *, in_order: bool = False) -> _Group:
        crops = [Crop(self.box(core), core, in_order) for core in cores]
        return _Group(sum(crop.box.area + self.crop_cost for crop in crops), crops)

    def _fits(self, group: _Group) -> bool:
        return max(crop.box.area for crop in group.crops) <= self._limits.max_pixels

    def _cut(self, core: Box, side: int) -> tuple[list[Box], list[Box]]:
        """Pieces of a core, of at most that many pixels a side: by rows, and by columns."""
        part, size = self._part(core), side // CELL
        top, _, left, _ = _to_cells(core)
        by_rows = [
            self._to_pixels(Box(top + first, top + end, left + start, left + stop))
            for first, end, start, stop in _pieces(part, size)
        ]
        by_columns = [
            self._to_pixels(Box(top + start, top + stop, left + first, left + end))
            for first, end, start, stop in _pieces(part.T, size)
        ]
        return by_rows, by_columns

    def _part(self, core: Box) -> NDArray[np.bool_]:
        return self._cells[_to_cells(core).slices]

    def _tight(self, core: Box) -> Box | None:
        """The box around the damaged cells of a core, or None if there are none."""
        x, y, width, height = cv2.boundingRect(self._part(core).view(np.uint8))
        if not width:
            return None
        top, _, left, _ = _to_cells(core)
        return self._to_pixels(Box(top + y, top + y + height, left + x, left + x + width))

    def _to_pixels(self, cells: Box) -> Box:
        top, bottom, left, right = (CELL * end for end in cells)
        return Box(top, min(bottom, self._height), left, min(right, self._width))

    def width(self, core: Box) -> int:
        """Of the damage in a core where it is widest, in pixels; 0 for less than 4."""
        if self._thin:
            return 0
        return int(self._widths[_to_cells(core).slices].max())

    def _context(self, core: Box) -> int:
        least, most = self._limits.context
        width = self.width(core)
        return min(least + width // 2, most) if width > THIN else least

    def with_context(self, core: Box) -> Box:
        """A core with its context, as far as the picture goes."""
        return core.widened(self._context(core), self._height, self._width)

    def box(self, core: Box) -> Box:
        """The crop for a core; its sides are multiples of ``multiple`` where there is room."""
        top, bottom, left, right = self.with_context(core)
        multiple = self._limits.multiple
        rows = _widen(top, bottom, self._height, multiple)
        columns = _widen(left, right, self._width, multiple)
        return Box(*rows, *columns)


def _to_cells(core: Box) -> Box:
    """The cells that a core reaches into."""
    top, bottom, left, right = core
    return Box(top // CELL, -(-bottom // CELL), left // CELL, -(-right // CELL))


def _total(divided: list[_Group]) -> int:
    return sum(group.cost for group in divided)


def _pieces(cells: NDArray[np.bool_], size: int) -> Iterator[tuple[int, int, int, int]]:
    """Boxes (top, bottom, left, right) of at most ``size`` cells a side around all that is true.

    Bands begin at the first row that is not covered, and in a band pieces at the first column.
    """
    damaged = np.flatnonzero(cells.any(axis=1)).tolist()
    done = 0
    for row in damaged:
        if row < done:
            continue
        band = cells[row : row + size]
        columns = np.flatnonzero(band.any(axis=0))
        firsts = (row + band.argmax(axis=0)[columns]).tolist()
        ends = (row + len(band) - band[::-1].argmax(axis=0)[columns]).tolist()
        places = columns.tolist()
        at = 0
        while at < len(places):
            after = bisect_left(places, places[at] + size, at)
            yield min(firsts[at:after]), max(ends[at:after]), places[at], places[after - 1] + 1
            at = after
        done = row + size


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
        least = np.multiply(top + bottom, left + right, dtype=np.int64) + planner.crop_cost
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
