"""Thin and small holes: lines of 1 to 10 pixels, hairs and specks, as most damage is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import log_uniform

Mask = NDArray[np.uint8]

SUBPIXEL_BITS = 4
"""OpenCV draws at sixteenths of a pixel, so that lines do not all start at a pixel's middle."""


def _line(mask: Mask, points: NDArray[np.float64], width: int) -> None:
    fixed = np.round(points * 2**SUBPIXEL_BITS).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(mask, [fixed], False, 255, width, cv2.LINE_8, SUBPIXEL_BITS)


def _straight(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """A segment, level or upright in a third of cases, as film's own scratches are."""
    chance = rng.random()
    angle = 0.0 if chance < 0.17 else np.pi / 2 if chance < 0.34 else rng.uniform(0.0, np.pi)
    angle += rng.normal(0.0, 0.01)
    reach = rng.uniform(0.1, 1.4) * size
    step = reach * np.array([np.cos(angle), np.sin(angle)])
    start = rng.uniform(-0.1, 1.1, 2) * size
    return np.stack([start - step / 2, start + step / 2])


def _walk(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """A line whose direction turns slowly, or curls like a hair."""
    steps = int(rng.integers(6, 40))
    bend = log_uniform(rng, 0.02, 0.4)
    turns = rng.normal(rng.normal(0.0, bend), bend, steps)
    headings = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(turns)
    stride = rng.uniform(0.08, 1.0) * size / steps
    moves = stride * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return rng.uniform(-0.05, 1.05, 2) * size + np.cumsum(moves, axis=0)


def thin(rng: np.random.Generator, size: int) -> Mask:
    """Lines of one width, from 1 to 10 pixels, until they cover 2 % to 15 %; some are dashed."""
    mask = np.zeros((size, size), np.uint8)
    width = max(1, round(log_uniform(rng, 0.8, 10.0)))
    until = log_uniform(rng, 0.02, 0.15) * mask.size
    straight = rng.choice([0.0, 0.5, 1.0])
    vary = rng.random() < 0.3
    for _ in range(200):
        points = _straight(rng, size) if rng.random() < straight else _walk(rng, size)
        _line(mask, points, max(1, round(width * rng.uniform(0.4, 1.6))) if vary else width)
        if cv2.countNonZero(mask) >= until:
            break
    if rng.random() < 0.25:
        cells = rng.random((max(2, size // 24), max(2, size // 24))) < rng.uniform(0.1, 0.5)
        gaps = cv2.resize(cells.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
        mask[gaps > 0] = 0
    return mask


def specks(rng: np.random.Generator, size: int) -> Mask:
    """Dust: ellipses of 1 to 12 pixels across, many small ones and few large ones."""
    mask = np.zeros((size, size), np.uint8)
    until = log_uniform(rng, 0.01, 0.06) * mask.size
    largest = log_uniform(rng, 1.0, 6.0)
    for _ in range(2000):
        radii = largest * rng.uniform(0.15, 1.0, 2) ** 1.5
        center = tuple(int(v) for v in rng.integers(0, size, 2))
        axes = (round(float(radii[0])), round(float(radii[1])))
        cv2.ellipse(mask, center, axes, rng.uniform(0.0, 180.0), 0.0, 360.0, 255, -1)
        if cv2.countNonZero(mask) >= until:
            break
    return mask
