"""Patterns that belong to the scene: what repeats is no damage, however like it a piece looks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import (
    Canvas,
    Field,
    Points,
    brighten,
    ink,
    log_uniform,
    paint,
    smooth_noise,
    to_coverage,
)
from inpaint_eval.pictures import Pixels

_TONES = 64
"""Rows and columns after which the tones of a lattice's cells come again."""


def scene_pattern(rng: np.random.Generator, picture: Pixels) -> None:
    """Many lines at like distances, or many things that are alike, in place.

    They lie over the picture, or over what is left of it when it is out of focus.
    """
    if rng.random() < 0.5:
        sigma = log_uniform(rng, 2.0, 20.0)
        picture[:] = cv2.GaussianBlur(picture, (0, 0), sigma)
    (lattice if rng.random() < 0.5 else scatter)(rng, picture)


def lattice(rng: np.random.Generator, picture: Pixels) -> None:
    """Lines at like distances, mostly crossed by others, as of tiles, planks, blinds and fences.

    There are eight of them at least, since a few long lines are what scratches are.
    """
    u, v = _plane(rng, picture)
    period = log_uniform(rng, 5.0, min(picture.shape[:2]) / 8.0)
    other = period * log_uniform(rng, 0.5, 5.0)
    row = np.floor(v / period)
    shifts = rng.choice([0.0, 0.5]) * row if rng.random() < 0.7 else rng.random(_TONES)[_index(row)]
    column = u / other + shifts
    width = min(log_uniform(rng, 0.8, 4.0), 0.4 * period)
    distance = _to_line(v / period) * np.float32(period)
    if rng.random() < 0.75:
        distance = np.minimum(distance, _to_line(column) * np.float32(other))
    if rng.random() < 0.6:
        tones = rng.normal(0.0, rng.uniform(0.02, 0.2), (_TONES, _TONES)).astype(np.float32)
        brighten(picture, tones[_index(row), _index(np.floor(column))])
    covered = np.clip(np.float32(width / 2.0 + 0.5) - distance, 0.0, 1.0)
    worn = smooth_noise(rng, covered.shape, log_uniform(rng, 6.0, 60.0))
    covered *= np.clip(np.float32(rng.uniform(0.6, 2.0)) + worn, 0.0, 1.0)
    paint(picture, to_coverage(covered, float(rng.uniform(0.4, 1.0))), ink(rng))


def scatter(rng: np.random.Generator, picture: Pixels) -> None:
    """Many strokes or flat pieces of a few colours, as of hair, grass, beads, seeds and leaves.

    They are denser, and pieces larger, than dust and lint, from which few could not be told.
    """
    height, width = picture.shape[:2]
    strokes = rng.random() < 0.5
    longest = log_uniform(rng, 8.0, 200.0) if strokes else log_uniform(rng, 3.0, 14.0)
    across = log_uniform(rng, 0.7, 3.0) if strokes else longest
    covered = log_uniform(rng, 0.05, 0.6)
    count = int(np.clip(covered * height * width / (longest * across), 30, 1500))
    along, spread = rng.uniform(0.0, 2.0 * np.pi), log_uniform(rng, 0.03, 3.0)
    bend = rng.normal(0.0, 0.6)
    layers = int(rng.integers(1, 5))
    for layer in range(layers):
        canvas = Canvas((height, width))
        for _ in range(layer, count, layers):
            start = rng.uniform(-0.1, 1.1, 2) * (width, height)
            angle = along + rng.normal(0.0, spread)
            size = longest * log_uniform(rng, 0.5, 1.5)
            if strokes:
                canvas.line(_stroke(start, angle, size, bend * rng.uniform(0.5, 1.5)), across)
            else:
                canvas.polygon(_piece(rng, start, angle, size))
        blur = float(rng.uniform(0.0, 0.8))
        paint(picture, canvas.coverage(blur), ink(rng), float(rng.uniform(0.4, 1.0)))


def _plane(rng: np.random.Generator, picture: Pixels) -> tuple[Field, Field]:
    """Coordinates of pixels on a surface that is turned, inclined and a little wavy, [H, W]."""
    height, width = picture.shape[:2]
    level = rng.random() < 0.6
    angle = rng.integers(4) * np.pi / 2.0 + rng.normal(0.0, 0.05) if level else rng.uniform(0, 6.3)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - np.float32(width / 2.0), y - np.float32(height / 2.0)
    u = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    v = np.float32(-np.sin(angle)) * x + np.float32(np.cos(angle)) * y
    steep = rng.uniform(-0.4, 0.4, 2) / max(height, width) * (rng.random() < 0.6)
    nearer = np.float32(1.0) + np.float32(steep[0]) * u + np.float32(steep[1]) * v
    waves = np.float32(log_uniform(rng, 0.1, 6.0)) * smooth_noise(rng, (height, width), 90.0)
    # From far away, so that no line need lie in the middle.
    return u / nearer + np.float32(1000.0), v / nearer + waves + np.float32(1000.0)


def _to_line(position: Field) -> Field:
    """From the nearest whole number, [H, W]."""
    distance: Field = np.abs(position - np.rint(position)).astype(np.float32)
    return distance


def _index(number: Field) -> NDArray[np.int64]:
    return number.astype(np.int64) % _TONES


def _stroke(start: Points, angle: float, length: float, bend: float) -> Points:
    """A line that turns by ``bend`` radians over its length, [n, 2]."""
    steps = max(2, min(12, round(length / 4.0)))
    angles = angle + np.linspace(0.0, bend, steps)
    walk = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (length / steps)
    points: Points = start + np.cumsum(walk, axis=0)
    return points


def _piece(rng: np.random.Generator, centre: Points, angle: float, size: float) -> Points:
    """A flat piece of 3 to 8 corners, seen at a slant, [n, 2]."""
    around = angle + np.linspace(0.0, 2.0 * np.pi, int(rng.integers(3, 9)), endpoint=False)
    radius = size / 2.0 * rng.uniform(0.8, 1.2, len(around))
    slant = rng.uniform(0.3, 1.0)
    points: Points = centre + np.stack(
        [np.cos(around) * radius, np.sin(around) * radius * slant], axis=1
    )
    return points
