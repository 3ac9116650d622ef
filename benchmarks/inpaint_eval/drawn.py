"""Pictures and masks that are drawn, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.pictures import Ratio, hole_ratio
from inpaint_eval.text import letters, place, words

Pixels = NDArray[np.uint8]
MaskDrawer = Callable[[np.random.Generator, Pixels, Ratio], None]

TRIES = 100


def draw_picture(height: int, width: int, seed: int = 0) -> Pixels:
    """Smooth colours with fine detail, uint8 BGR [height, width, 3]."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, (height // 80 + 2, width // 80 + 2, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    detail = rng.integers(0, 16, (512, 512, 3)).astype(np.uint8)
    tiled = np.tile(detail, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    return cv2.add(picture, tiled).astype(np.uint8)


def draw_mask(kind: str, height: int, width: int, ratio: Ratio, seed: int = 0) -> Pixels:
    """A mask of one of :data:`MASK_KINDS`, uint8 [height, width] with 255 in the hole.

    Raises:
        ValueError: no such mask was drawn in a hundred tries: the range is too narrow.
    """
    for attempt in range(TRIES):
        rng = np.random.default_rng((seed, attempt))
        mask = np.zeros((height, width), np.uint8)
        MASK_KINDS[kind](rng, mask, ratio)
        if ratio.low <= hole_ratio(mask) < ratio.high:
            return mask
    raise ValueError(f"no {kind} mask with a hole ratio of {ratio} fits {height}x{width}")


def _box(rng: np.random.Generator, mask: Pixels, ratio: Ratio) -> None:
    """One rectangle."""
    rows, columns = mask.shape
    area = rng.uniform(ratio.low, ratio.high) / 100 * mask.size
    height = round(min(rows, np.sqrt(area * rng.uniform(0.6, 1.7) * rows / columns)))
    width = min(columns, round(area / max(1, height)))
    top, left = (int(rng.integers(0, n + 1)) for n in (rows - height, columns - width))
    mask[top : top + height, left : left + width] = 255


def _centre(rng: np.random.Generator, mask: Pixels, ratio: Ratio) -> None:
    """One rectangle in the middle, of the picture's proportions and the ratio's mean."""
    scale = np.sqrt((ratio.low + ratio.high) / 200)
    height, width = (round(n * scale) for n in mask.shape)
    top, left = (mask.shape[0] - height) // 2, (mask.shape[1] - width) // 2
    mask[top : top + height, left : left + width] = 255


def _strokes(rng: np.random.Generator, mask: Pixels, ratio: Ratio) -> None:
    """Brush strokes whose direction turns slowly."""
    side = min(mask.shape)
    until = rng.uniform(ratio.low, ratio.high)
    while hole_ratio(mask) < until:
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, int(rng.integers(2, 7))))
        walk = np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.03, 0.1) * side
        points = rng.uniform(0, 1, 2) * mask.shape[::-1] + np.cumsum(walk, axis=0)
        width = max(1, round(side * rng.uniform(0.01, 0.04)))
        cv2.polylines(mask, [points.round().astype(np.int32)], False, 255, width, cv2.LINE_8)


def _text(rng: np.random.Generator, mask: Pixels, ratio: Ratio) -> None:
    """Words over the picture, in letters of one height."""
    height, width = mask.shape
    until = rng.uniform(ratio.low, ratio.high)
    letter = max(8.0, min(mask.shape) / 512 * rng.uniform(18.0, 45.0))
    while hole_ratio(mask) < until:
        line = letters(rng, words(rng, 1), letter)
        left, top = int(rng.uniform(-0.1, 0.9) * width), int(rng.uniform(-0.05, 0.95) * height)
        place(mask, np.multiply(line > 127, 255, dtype=np.uint8), left, top)


MASK_KINDS: Mapping[str, MaskDrawer] = {
    "box": _box,
    "centre": _centre,
    "strokes": _strokes,
    "text": _text,
}
