"""Running a network over a picture in overlapping tiles that are blended without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.regions.boxes import Box

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """How one side of a picture is cut into tiles.

    starts, ends: of each tile, in pixels. weights: of each tile's output along its length,
    float32 [end - start]; for each pixel they add up to 1.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    weights: tuple[Floats, ...]

    def done(self, index: int) -> int:
        """Where the next tile starts; no later tile touches what lies before it."""
        return self.starts[index + 1] if index + 1 < len(self.starts) else self.ends[-1]


def run_tiled(
    rows: Axis, columns: Axis, run: Callable[[Box], Floats]
) -> Iterator[tuple[Box, Floats]]:
    """Yields a network's output for a picture, in boxes that cover it once.

    run: returns the output for a box, float32 [box's height, width, C].

    The outer quarter of an overlap on either side belongs to the nearer tile alone; over the half
    between them the two are blended. So a tile's output next to its own border is never used.
    """
    width = columns.ends[-1]
    above: Floats | None = None  # [rows shared with the next tiles, width, C], summed so far
    for i, (top, bottom) in enumerate(zip(rows.starts, rows.ends, strict=True)):
        below: Floats | None = None
        beside: Floats | None = None  # [bottom - top, columns shared with the next tile, C]
        row_end = rows.done(i)
        for j, (left, right) in enumerate(zip(columns.starts, columns.ends, strict=True)):
            output = run(Box(top, bottom, left, right)) * columns.weights[j][None, :, None]
            if beside is not None:
                output[:, : beside.shape[1]] += beside
            column_end = columns.done(j)
            beside = output[:, column_end - left :].copy()
            output = output[:, : column_end - left] * rows.weights[i][:, None, None]
            if above is not None:
                output[: len(above)] += above[:, left:column_end]
            yield Box(top, row_end, left, column_end), output[: row_end - top]
            if row_end < bottom:
                if below is None:
                    below = np.empty((bottom - row_end, width, output.shape[2]), np.float32)
                below[:, left:column_end] = output[row_end - top :]
        above = below


def cut_axes(
    height: int,
    width: int,
    *,
    max_pixels: int,
    overlap: int,
    multiple: int,
    max_side: int | None = None,
) -> tuple[Axis, Axis]:
    """Cuts rows and columns into tiles, with the least work in all.

    max_pixels: in a tile. overlap: of neighbouring tiles, in pixels; less where tiles of
    ``max_pixels`` have no room for it. multiple: of which tiles' sides and positions are, so that a
    network that reduces its input sees it on the same grid everywhere. max_side: of a tile, in
    pixels, if it is bounded.
    """
    max_side = max_side or max(height, width)
    if height * width <= max_pixels and max(height, width) <= max_side:
        return _axis(height, 1, overlap, multiple), _axis(width, 1, overlap, multiple)
    side = max(multiple, min(max_side, int(max_pixels**0.5)) // multiple * multiple)
    overlap = min(overlap, side // 3)
    down, across = _count(height, side, overlap), _count(width, side, overlap)
    across_cuts = _cuts(width, 2 * across, overlap, multiple, max_side)
    work = [
        (rows.side * columns.side * rows.number * columns.number, rows.requested, columns.requested)
        for rows in _cuts(height, 2 * down, overlap, multiple, max_side)
        for columns in across_cuts
        if rows.side * columns.side <= max_pixels
    ]
    if work:  # else rounding to the multiple left no other choice than squares
        _, down, across = min(work)
    return _axis(height, down, overlap, multiple), _axis(width, across, overlap, multiple)


class _Cut(NamedTuple):
    """A length in ``number`` tiles of a side in pixels; ``requested`` tiles lead to it."""

    side: int
    number: int
    requested: int


def _cuts(length: int, max_count: int, overlap: int, multiple: int, max_side: int) -> list[_Cut]:
    """Every side that tiles along a length may have, each with the fewest tiles."""
    cuts: dict[int, _Cut] = {}
    for count in range(1, max_count + 1):
        side = _side(length, count, overlap, multiple)
        if side <= max_side and side not in cuts:
            # Their starts differ by multiples, of which there may be fewer than tiles.
            number = min(count, -(-(length - side) // multiple) + 1)
            cuts[side] = _Cut(side, number, count)
    return list(cuts.values())


def _count(length: int, side: int, overlap: int) -> int:
    return max(1, -(-(length - overlap) // (side - overlap)))


def _side(length: int, count: int, overlap: int, multiple: int) -> int:
    side = -(-(length + (count - 1) * overlap) // count)
    return length if count == 1 else min(length, -(-side // multiple) * multiple)


def _axis(length: int, count: int, overlap: int, multiple: int) -> Axis:
    side = _side(length, count, overlap, multiple)
    if side == length:
        return Axis((0,), (length,), (np.ones(length, np.float32),))
    last = -(-(length - side) // multiple) * multiple
    starts = sorted({last * index // (count - 1) // multiple * multiple for index in range(count)})
    ends = [min(start + side, length) for start in starts]
    return Axis(tuple(starts), tuple(ends), tuple(_weights(starts, ends)))


def _weights(starts: list[int], ends: list[int]) -> Iterator[Floats]:
    """Weights that rise over the middle half of each overlap and add up to 1."""
    raw = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        at = np.arange(start, end) + 0.5
        weight = np.ones(end - start)
        if index > 0:
            weight *= _ramp(at, start, ends[index - 1])
        if index + 1 < len(starts):
            weight *= 1.0 - _ramp(at, starts[index + 1], end)
        raw.append(weight)
    total = np.zeros(ends[-1])
    for start, end, weight in zip(starts, ends, raw, strict=True):
        total[start:end] += weight  # 1, but where three tiles meet
    for start, end, weight in zip(starts, ends, raw, strict=True):
        yield (weight / total[start:end]).astype(np.float32)


def _ramp(at: NDArray[Any], start: int, end: int) -> NDArray[Any]:
    """From 0 a quarter into the overlap [start, end] to 1 a quarter before its end."""
    if end == start:
        return np.ones(len(at)) if at[0] >= start else np.zeros(len(at))
    share = (at - start) / (end - start)
    return np.clip(2.0 * share - 0.5, 0.0, 1.0)
