"""What is laid over pictures: captions, watermarks, logos; drawn in place."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    Canvas,
    Coverage,
    Points,
    anywhere,
    dark,
    ink,
    log_uniform,
    paint,
    paper,
)
from inpaint_eval.pictures import Pixels
from inpaint_eval.text import letters, page_of_text, words


def text(rng: np.random.Generator, picture: Pixels) -> None:
    """A caption, a paragraph, or a mark repeated over the picture."""
    _print(rng, picture, page_of_text(rng, picture.shape[:2]))


def _print(
    rng: np.random.Generator, picture: Pixels, ink_on: Coverage, at: tuple[int, int] = (0, 0)
) -> None:
    """Prints in a colour, with an outline or a shadow now and then."""
    colour = rng.random(3).astype(np.float32) if rng.random() < 0.4 else ink(rng, 0.6)
    strength = 1.0 if rng.random() < 0.6 else float(rng.uniform(0.3, 0.9))
    style = rng.random()
    opposite = dark(rng) if colour.mean() > 0.5 else paper(rng)
    if style < 0.2:
        side = int(rng.integers(1, 3)) * 2 + 1
        outline = cv2.dilate(ink_on, np.ones((side, side), np.uint8)).astype(np.uint8)
        paint(picture, outline, opposite, strength, at)
    elif style < 0.35:
        shift = np.array([[1, 0, rng.uniform(0.5, 3.0)], [0, 1, rng.uniform(0.5, 3.0)]], np.float32)
        moved = cv2.warpAffine(ink_on, shift, ink_on.shape[::-1])
        shadow = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.4, 1.5)).astype(np.uint8)
        paint(picture, shadow, opposite, 0.8 * strength, at)
    paint(picture, ink_on, colour, strength, at)


def logos(rng: np.random.Generator, picture: Pixels) -> None:
    """Badges, rings, stars, boxes and strokes, filled or in outline, some with letters."""
    for _ in range(int(rng.integers(1, 4))):
        centre, radius = anywhere(rng, picture.shape[:2]), log_uniform(rng, 8.0, 60.0)
        side = round(3.0 * radius)
        canvas, middle = Canvas((side, side)), np.full(2, side / 2.0)
        if rng.random() < 0.35:
            _strokes(rng, canvas, middle, radius)
        else:
            _badge(rng, canvas, middle, radius)
        left, top = (round(v - side / 2.0) for v in centre)
        _print(rng, picture, canvas.coverage(float(rng.uniform(-0.5, 0.7))), (left, top))
        if rng.random() < 0.6:
            stamp = np.pad(letters(rng, words(rng, 1), radius * float(rng.uniform(0.3, 0.8))), 4)
            left, top = (round(v - n / 2) for v, n in zip(centre, stamp.shape[::-1], strict=True))
            _print(rng, picture, stamp, (left, top))


def _badge(rng: np.random.Generator, canvas: Canvas, centre: Points, radius: float) -> None:
    corners_ = int(rng.choice([3, 4, 4, 5, 6, 10, 40]))
    around = np.linspace(0.0, 2.0 * np.pi, corners_, endpoint=False) + rng.uniform(0.0, 7.0)
    reach = np.full(corners_, radius)
    if corners_ == 10:
        reach[1::2] *= rng.uniform(0.35, 0.7)
    elif rng.random() < 0.4:  # no shape that has a name
        reach *= rng.uniform(0.2, 1.0, corners_)
    squeeze = np.array([1.0, rng.uniform(0.5, 1.0)])
    outline = centre + squeeze * (reach * np.stack([np.cos(around), np.sin(around)])).T
    if rng.random() < 0.5:
        canvas.polygon(outline)
    else:
        closed = np.concatenate([outline, outline[:1]])
        canvas.line(closed, log_uniform(rng, 1.2, 0.3 * radius))


def _strokes(rng: np.random.Generator, canvas: Canvas, centre: Points, radius: float) -> None:
    """A few broad strokes with two or three ends, anyhow or side by side."""
    width = log_uniform(rng, 0.1, 0.6) * radius
    stroke = rng.uniform(-radius, radius, (int(rng.integers(2, 4)), 2))
    step = rng.uniform(-1.0, 1.0, 2) * radius
    side_by_side = rng.random() < 0.5
    for index in range(int(rng.integers(1, 8))):
        if side_by_side:
            canvas.line(centre + stroke + index * step, width)
        else:
            ends = rng.uniform(-radius, radius, stroke.shape)
            canvas.line(centre + ends, width * rng.uniform(0.5, 1.5))
