"""Text that belongs to the scene, which is no damage: set in perspective, lit and worn."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import Coverage, log_uniform, paint, smooth_noise, smooth_step
from inpaint_eval.pictures import Pixels
from inpaint_eval.text import letters, place, words


def scene_text(rng: np.random.Generator, picture: Pixels) -> None:
    """A sign, label or lettering on a surface, in place.

    Its ink takes the light of the surface below, which shows through in texture and shading, and
    its letters are as blurred as what is around them.
    """
    board = _board(rng)
    height, width = board.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    size = np.array([picture.shape[1], picture.shape[0]])
    middle = rng.uniform(0.1, 0.9, 2) * size
    long = log_uniform(rng, 0.15, 1.0) * size.min()
    angle = rng.normal(0.0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flat = (corners - corners.mean(axis=0)) * (long / width) @ turn.T
    slant = 1.0 + rng.uniform(-0.35, 0.35, (4, 1))
    target = (middle + flat * slant * np.array([rng.uniform(0.5, 1.0), 1.0])).astype(np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    shape = picture.shape[1], picture.shape[0]
    inked = cv2.warpPerspective(board, warp, shape, flags=cv2.INTER_AREA)
    focus = float(rng.uniform(0.4, 1.0))
    inked = np.asarray(cv2.GaussianBlur(inked, (0, 0), focus), np.uint8)
    if rng.random() < 0.5:  # on a board of its own
        sheet = cv2.warpPerspective(np.full_like(board, 255), warp, shape)
        sheet = np.asarray(cv2.GaussianBlur(sheet, (0, 0), focus), np.uint8)
        paint(picture, sheet, _lit(rng, picture, rng.uniform(0.1, 1.0, 3)), 0.9)
    if rng.random() < 0.5:
        cell = log_uniform(rng, 4.0, 30.0)
        worn = smooth_step(smooth_noise(rng, shape[::-1], cell) + np.float32(1.2))
        inked = (inked * worn).astype(np.uint8)
    paint(picture, inked, _lit(rng, picture, rng.random(3)), float(rng.uniform(0.7, 1.0)))


def _board(rng: np.random.Generator) -> Coverage:
    """One to four lines of letters, with a margin."""
    lines = [
        letters(rng, words(rng, int(rng.integers(1, 4))), 26.0) for _ in range(rng.integers(1, 5))
    ]
    height = sum(line.shape[0] + 10 for line in lines) + 10
    board = np.zeros((height, max(line.shape[1] for line in lines) + 24), np.uint8)
    top = 10
    for line in lines:
        place(board, line, (board.shape[1] - line.shape[1]) // 2, top)
        top += line.shape[0] + 10
    return board


def _lit(rng: np.random.Generator, picture: Pixels, colour: np.ndarray) -> Pixels:
    """A painted surface under the picture's light: its blurred brightness, its texture, a shade."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    broad = cv2.resize(small, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    level = np.float32(0.35) + broad.astype(np.float32) / np.float32(400.0)
    texture = (
        (grey.astype(np.float32) - broad) / np.float32(255.0) * np.float32(rng.uniform(0, 0.8))
    )
    ramp = np.linspace(rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0), grey.shape[1])
    light = (level + texture) * ramp.astype(np.float32)
    planes = [cv2.convertScaleAbs(np.maximum(light, 0.0), alpha=255.0 * c) for c in colour]
    return np.asarray(cv2.merge(planes), np.uint8)
