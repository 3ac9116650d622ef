"""Synthetic holes. Each generator returns uint8 [size, size] with 255 in the hole.

All of them are drawn from a ``numpy`` generator, so a seed gives the same masks on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import Field, log_uniform, smooth_noise
from inpaint_eval.text import ALL_OVER, lay_out
from inpaint_export.data.thin_masks import specks, thin

Mask = NDArray[np.uint8]
MaskGenerator = Callable[[np.random.Generator, int], Mask]


def _smooth_field(rng: np.random.Generator, size: int, cells: float) -> Field:
    """Smooth noise of zero mean with about ``cells`` bumps along a side, [size, size]."""
    return smooth_noise(rng, (size, size), size / (2.0 * cells))


def _element(rng: np.random.Generator, width: int) -> Mask:
    """A structuring element for dilation: mostly square or round, as worn brushes are."""
    height = max(1, round(width * rng.uniform(0.5, 1.6)))
    shape = cv2.MORPH_RECT if rng.random() < 0.5 else cv2.MORPH_ELLIPSE
    return cv2.getStructuringElement(shape, (width, height)).astype(np.uint8, copy=False)


def contours(rng: np.random.Generator, size: int) -> Mask:
    """Outlines of blobs, broken into dashes and thickened, like the rim of what moved."""
    field = _smooth_field(rng, size, rng.uniform(1.0, 8.0))
    level = rng.uniform(-0.6, 0.6)
    inside = (field > level).astype(np.uint8)
    lines = cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) * 255
    lines[_smooth_field(rng, size, rng.uniform(3.0, 16.0)) > rng.uniform(-0.3, 0.9)] = 0
    width = round(float(np.exp(rng.uniform(np.log(4), np.log(0.12 * size)))))
    return cv2.dilate(lines, _element(rng, width)).astype(np.uint8, copy=False)


def strokes(rng: np.random.Generator, size: int) -> Mask:
    """Brush strokes: random walks whose direction turns slowly, of any width up to a sixth."""
    mask = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 9)):
        width = round(float(np.exp(rng.uniform(np.log(4), np.log(size / 6)))))
        steps = int(rng.integers(2, 14))
        turn = rng.uniform(0.0, 0.9)
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, turn, steps))
        lengths = rng.uniform(0.02, 0.14, steps) * size
        walk = np.stack([np.cos(angles) * lengths, np.sin(angles) * lengths], axis=1)
        points = rng.uniform(0, size, 2) + np.cumsum(walk, axis=0)
        line = points.round().astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [line], False, 255, width, cv2.LINE_8)
    return mask


def blobs(rng: np.random.Generator, size: int) -> Mask:
    """Patches with ragged borders: stains, torn-off corners, flaking."""
    field = _smooth_field(rng, size, rng.uniform(1.0, 4.0))
    field += rng.uniform(0.1, 0.6) * _smooth_field(rng, size, rng.uniform(8.0, 24.0))
    return (field > np.quantile(field[::4, ::4], 1.0 - rng.uniform(0.03, 0.4))).astype(
        np.uint8
    ) * 255


def irregular(rng: np.random.Generator, size: int) -> Mask:
    """One to three of contours, strokes and blobs, joined."""
    parts = (contours, contours, strokes, strokes, blobs)
    mask = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 4)):
        mask |= parts[rng.integers(len(parts))](rng, size)
    return mask


def scratches(rng: np.random.Generator, size: int) -> Mask:
    """Thin curved lines, mostly along one direction, and specks of dust."""
    mask = np.zeros((size, size), np.uint8)
    along = rng.uniform(0, np.pi)
    for _ in range(rng.integers(2, 18)):
        steps = int(rng.integers(3, 24))
        angles = along + rng.normal(0, 0.5) + np.cumsum(rng.normal(0, 0.12, steps))
        reach = rng.uniform(0.1, 1.2) * size / steps
        walk = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach
        points = rng.uniform(-0.1, 1.1, 2) * size + np.cumsum(walk, axis=0)
        line = points.round().astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [line], False, 255, int(rng.integers(1, 8)), cv2.LINE_8)
    for _ in range(rng.integers(0, 30)):
        center = tuple(int(v) for v in rng.integers(0, size, 2))
        cv2.circle(mask, center, int(rng.integers(1, 5)), 255, -1)
    return mask


def text(rng: np.random.Generator, size: int) -> Mask:
    """A page of overlaid letters, upright or turned."""
    page = lay_out(rng, (size, size), log_uniform(rng, 9.0, 55.0), ALL_OVER)
    return np.multiply(page > 127, 255, dtype=np.uint8)


def boxes(rng: np.random.Generator, size: int) -> Mask:
    """One to four rectangles, together at most about a third of the picture."""
    mask = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 5)):
        height, width = (int(v) for v in rng.uniform(0.06, 0.42, 2) * size)
        top, left = int(rng.integers(0, size - height)), int(rng.integers(0, size - width))
        mask[top : top + height, left : left + width] = 255
    return mask


def large(rng: np.random.Generator, size: int) -> Mask:
    """One wide rectangle, or irregular holes until they cover a third."""
    mask = np.zeros((size, size), np.uint8)
    if rng.random() < 0.5:
        height, width = (int(v) for v in rng.uniform(0.35, 0.62, 2) * size)
        top, left = int(rng.integers(0, size - height)), int(rng.integers(0, size - width))
        mask[top : top + height, left : left + width] = 255
        return mask
    while cv2.countNonZero(mask) < mask.size / 3:
        mask |= irregular(rng, size)
    return mask


def wide(rng: np.random.Generator, size: int) -> Mask:
    """Irregular holes until they cover a share between three and seven tenths."""
    mask = np.zeros((size, size), np.uint8)
    covered = rng.uniform(0.3, 0.7) * mask.size
    while cv2.countNonZero(mask) < covered:
        mask |= irregular(rng, size)
    return mask


KINDS: Mapping[str, MaskGenerator] = {
    "irregular": irregular,
    "scratches": scratches,
    "text": text,
    "boxes": boxes,
    "large": large,
    "wide": wide,
    "thin": thin,
    "specks": specks,
}

RATIOS = (0.01, 0.6)
"""Least and largest share of a square that a mask's hole covers, where nothing else is said."""


def random_mask(
    rng: np.random.Generator,
    size: int,
    weights: Mapping[str, float],
    ratios: tuple[float, float] = RATIOS,
) -> Mask:
    """Draws a mask of a kind chosen by ``weights``.

    weights: kind (a key of :data:`KINDS`) to its relative frequency. ratios: the least and the
    largest share of the square that the hole covers.
    """
    names = list(weights)
    share = np.array([weights[name] for name in names])
    least, largest = ratios
    while True:
        kind = KINDS[names[rng.choice(len(names), p=share / share.sum())]]
        # Drawn larger than the crop and cut, so that holes run off its sides too.
        drawn = round(size * rng.uniform(1.0, 2.0))
        mask = kind(rng, drawn)
        top, left = (int(v) for v in rng.integers(0, drawn - size + 1, 2))
        mask = np.ascontiguousarray(mask[top : top + size, left : left + size])
        if least <= cv2.countNonZero(mask) / mask.size <= largest:
            return mask
