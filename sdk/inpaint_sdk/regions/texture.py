"""Texture for what a model filled smoothly: residuals of like places that are known.

A network that is unsure fills a hole with the mean of what could be there, which is blurred. The
fill still says what kind of place it is, so what it lacks, the picture less its blurred self, is
taken from known places that look alike when they are blurred, too. After contextual residual
aggregation (Yi et al., "Contextual Residual Aggregation for Ultra High-Resolution Image
Inpainting", CVPR 2020), with the attention on blurred colours in place of a network's features, so
that it serves any model.

Patches of :data:`PATCH` pixels lie every :data:`STEP` pixels. Each that lacks texture takes the
residual of brightness of the likest of some known patches near its tile. Which those are is drawn
by lot, the same every time: one that is the likest for all of a wide hole would show as a pattern.
Neighbours overlap and are joined by windows that keep the residual's energy, where a plain mean of
patches that do not match would lose it.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import Box

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

PATCH = 16
STEP = PATCH // 2

TILE = 32
"""Patches on a side of what is matched at once, which bounds the memory."""

REACH = 16
"""Patches around a tile among which like ones are looked for."""

MARGIN = (REACH + 1) * STEP
"""Pixels around what lacks texture among which it is looked for."""

SIGMA = 2.0
"""Of the blur, in pixels: what is finer is texture."""

GRID = 4
"""Pixels on a side of the cells by whose mean colours patches are compared."""

ALIKE = 0.06
"""Root mean square difference of blurred colours, of 1, from which little texture is taken."""

LOTS, OFFERED = 12, 4
"""Patches that lack texture are divided by chance into so many lots, to each of which a part of the
known ones is offered, one of so many."""

CLIP = 0.1
"""Largest residual, of 1: what is stronger is an edge, of which copies would be seen as such."""

SHARP, SMOOTH = 3.0, 11.0
"""Depths in a hole, in pixels: up to the first a model's fill is sharp, from the second it lacks
texture. Between them texture is faded in."""


def lacks_texture(mask: Mask) -> Floats:
    """How much texture a fill lacks at each pixel of a mask uint8 [H, W], from 0 to 1."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_3)
    share: Floats = np.clip((depth - SHARP) / (SMOOTH - SHARP), 0.0, 1.0).astype(np.float32)
    return share


def texture_of_like_places(filled: Floats, mask: Mask, lacking: Floats) -> Floats:
    """What to add to every colour of a filled picture, float32 [H, W].

    filled: float32 [H, W, C] in [0, 1]. mask: uint8 [H, W], nonzero where it was filled.
    lacking: as :func:`lacks_texture` gives it.
    """
    added = np.zeros(mask.shape, np.float32)
    if min(mask.shape) < PATCH:
        return added
    blurred = cv2.GaussianBlur(filled, (0, 0), SIGMA)
    low = blurred.reshape(filled.shape).astype(np.float32, copy=False)
    residuals = _patches(np.clip((filled - low).mean(axis=2), -CLIP, CLIP), PATCH, STEP)
    hole = np.ascontiguousarray(mask > 0).astype(np.uint8)
    known = _counts(hole) == 0
    wanting = _counts((lacking > 0.0).astype(np.uint8)) > 0
    looks = _looks(low)
    energy = np.zeros_like(added)
    for rows, columns, sources, alike in _matched(looks, wanting, known):
        _lay(added, residuals[sources] * (_WINDOW * alike[:, None, None]), rows, columns)
        _lay(energy, np.broadcast_to(_WINDOW**2, (len(rows), PATCH, PATCH)), rows, columns)
    added *= lacking / np.sqrt(np.maximum(energy, 1e-6))
    return added


_HANN = np.hanning(PATCH + 2)[1:-1].astype(np.float32)

_WINDOW: Floats = np.outer(_HANN, _HANN)


def _patches(planes: Floats, side: int, step: int) -> Floats:
    """Views of squares of ``side`` pixels every ``step`` pixels: [h, w, ..., side, side]."""
    windows = np.lib.stride_tricks.sliding_window_view(planes, (side, side), axis=(0, 1))
    return windows[::step, ::step]


def _counts(plane: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Sums over each patch, [h, w]."""
    sums = cv2.integral(plane).astype(np.int32, copy=False)
    total: NDArray[np.int32] = (
        sums[PATCH:, PATCH:]
        - sums[:-PATCH, PATCH:]
        - sums[PATCH:, :-PATCH]
        + sums[:-PATCH, :-PATCH]
    )[::STEP, ::STEP]
    return total


def _looks(low: Floats) -> Floats:
    """Mean colours of each patch's cells, [h, w, D]."""
    height, width = (size // GRID for size in low.shape[:2])
    whole = low[: height * GRID, : width * GRID]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    means = small.reshape(height, width, -1).astype(np.float32, copy=False)
    cells = _patches(means, PATCH // GRID, STEP // GRID)
    return np.ascontiguousarray(cells.reshape(*cells.shape[:2], -1))


def _matched(
    looks: Floats, wanting: NDArray[np.bool_], known: NDArray[np.bool_]
) -> Iterator[tuple[Indices, Indices, tuple[Indices, Indices], Floats]]:
    """Rows and columns of wanting patches, those of the known one for each, how alike they are."""
    height, width = looks.shape[:2]
    generator = np.random.default_rng(0)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            rows, columns = np.nonzero(wanting[top : top + TILE, left : left + TILE])
            around = Box(
                max(0, top - REACH), top + TILE + REACH, max(0, left - REACH), left + TILE + REACH
            )
            places = np.nonzero(known[around.slices])
            if not len(rows) or not len(places[0]):
                continue
            rows, columns = rows + top, columns + left
            places = places[0] + around.top, places[1] + around.left
            for wanted, offered in _lots(generator, len(rows), len(places[0])):
                here, there = (rows[wanted], columns[wanted]), tuple(p[offered] for p in places)
                best, alike = _likest(looks[here], looks[there])
                yield *here, (there[0][best], there[1][best]), alike


def _lots(
    generator: np.random.Generator, wanting: int, known: int
) -> Iterator[tuple[Indices, Indices]]:
    """Draws lots: patches that lack texture, and known patches that are offered to them."""
    drawn = generator.integers(LOTS, size=wanting)
    count = -(-known // OFFERED)
    for lot in range(LOTS):
        yield np.nonzero(drawn == lot)[0], generator.permutation(known)[:count]


def _likest(wanted: Floats, offered: Floats) -> tuple[Indices, Floats]:
    """Of offered looks [K, D] which is likest each wanted one [N, D], and how alike, 0 to 1."""
    best = (0.5 * np.square(offered).sum(axis=1) - wanted @ offered.T).argmin(axis=1)
    squared = np.square(wanted - offered[best]).mean(axis=1)
    return best, np.exp(-squared / ALIKE**2)


def _lay(canvas: Floats, patches: Floats, rows: Indices, columns: Indices) -> None:
    """Adds patches [N, PATCH, PATCH] to a canvas [H, W] at rows and columns of the grid.

    Every other patch of a row overlaps none, so a quarter of them is laid at once.
    """
    for down in (0, 1):
        for right in (0, 1):
            part = canvas[down * STEP :, right * STEP :]
            height, width = (size // PATCH for size in part.shape[:2])
            whole = part[: height * PATCH, : width * PATCH]
            squares = whole.reshape(height, PATCH, width, PATCH)
            chosen = (rows % 2 == down) & (columns % 2 == right)
            squares[rows[chosen] // 2, :, columns[chosen] // 2] += patches[chosen]
