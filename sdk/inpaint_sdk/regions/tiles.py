"""Running a network over a picture in overlapping tiles that are blended without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.regions.boxes import Box

Planes = NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """How one side of a picture is cut into tiles.

    starts, ends: of each tile, in pixels. weights: of each tile's answer along its length,
    float32 [end - start]; over a pixel they add up to 1.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    weights: tuple[Planes, ...]

    def done(self, index: int) -> int:
        """Where the next tile starts: what lies before it no later tile touches."""
        return self.starts[index + 1] if index + 1 < len(self.starts) else self.ends[-1]


def run_tiled(
    rows: Axis, columns: Axis, run: Callable[[Box], Planes]
) -> Iterator[tuple[Box, Planes]]:
    """Yields a network's answer for a picture, in boxes that cover it once.

    run: gives the answer for a box, float32 [box's height, width, C].

    The outer quarter of an overlap on either side belongs to the nearer tile alone, over the half
    between them the two are blended: what a tile says next to its own border is never used.
    """
    width = columns.ends[-1]
    above: Planes | None = None  # [rows shared with the next tiles, width, C], summed so far
    for i, (top, bottom) in enumerate(zip(rows.starts, rows.ends, strict=True)):
        below: Planes | None = None
        beside: Planes | None = None  # [bottom - top, columns shared with the next tile, C]
        row_end = rows.done(i)
        for j, (left, right) in enumerate(zip(columns.starts, columns.ends, strict=True)):
            answer = run(Box(top, bottom, left, right)) * columns.weights[j][None, :, None]
            if beside is not None:
                answer[:, : beside.shape[1]] += beside
            column_end = columns.done(j)
            beside = answer[:, column_end - left :].copy()
            answer = answer[:, : column_end - left] * rows.weights[i][:, None, None]
            if above is not None:
                answer[: len(above)] += above[:, left:column_end]
            yield Box(top, row_end, left, column_end), answer[: row_end - top]
            if row_end < bottom:
                if below is None:
                    below = np.empty((bottom - row_end, width, answer.shape[2]), np.float32)
                below[:, left:column_end] = answer[row_end - top :]
        above = below


def cut_axes(
    height: int, width: int, *, most: int, overlap: int, multiple: int, longest: int | None = None
) -> tuple[Axis, Axis]:
    """Cuts rows and columns into tiles, with the least work in all.

    most: pixels in a tile. overlap: of neighbouring tiles, in pixels; less where tiles of ``most``
    pixels have no room for it. multiple: of which tiles' sides and positions are, so that a network
    that reduces its input sees it on the same grid everywhere. longest: side of a tile, if it is
    bounded.
    """
    longest = longest or max(height, width)
    if height * width <= most and max(height, width) <= longest:
        return _axis(height, 1, overlap, multiple), _axis(width, 1, overlap, multiple)
    side = max(multiple, min(longest, int(most**0.5)) // multiple * multiple)
    overlap = min(overlap, side // 3)
    plans = []
    for down in range(1, 2 * _count(height, side, overlap) + 1):
        rows = _axis(height, down, overlap, multiple)
        for across in range(1, 2 * _count(width, side, overlap) + 1):
            columns = _axis(width, across, overlap, multiple)
            down_side, across_side = rows.ends[0], columns.ends[0]
            pixels = down_side * across_side
            if pixels <= most and max(down_side, across_side) <= longest:
                plans.append((pixels * len(rows.starts) * len(columns.starts), down, across))
    if not plans:  # rounding to the multiple left no other choice than squares
        plans.append((0, _count(height, side, overlap), _count(width, side, overlap)))
    _, down, across = min(plans)
    return _axis(height, down, overlap, multiple), _axis(width, across, overlap, multiple)


def _count(length: int, side: int, overlap: int) -> int:
    return max(1, -(-(length - overlap) // (side - overlap)))


def _axis(length: int, count: int, overlap: int, multiple: int) -> Axis:
    side = -(-(length + (count - 1) * overlap) // count)
    side = -(-side // multiple) * multiple
    if count == 1 or side >= length:
        return Axis((0,), (length,), (np.ones(length, np.float32),))
    last = -(-(length - side) // multiple) * multiple
    starts = sorted({last * index // (count - 1) // multiple * multiple for index in range(count)})
    ends = [min(start + side, length) for start in starts]
    return Axis(tuple(starts), tuple(ends), tuple(_weights(starts, ends)))


def _weights(starts: list[int], ends: list[int]) -> Iterator[Planes]:
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
