"""Text that belongs to the scene, which is no damage: set in perspective, lit and worn."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import Coverage, Shape, log_uniform, paint, smooth_noise, smooth_step
from inpaint_eval.pictures import Pixels
from inpaint_eval.text import letters, place, words

_CAPITAL, _MARGIN = 26.0, 10
"""Height of letters and width of margins, in pixels before a board is set in the scene."""


def scene_text(rng: np.random.Generator, picture: Pixels) -> None:
    """A sign, box or label in the scene, in place.

    Its colours take the light of the place; its letters are as blurred as the scene and worn. It
    has a board of its own, since letters without one could not be told from a caption.
    """
    inked = _board(rng)
    corners = _corners(inked.shape)
    shape = picture.shape[0], picture.shape[1]
    warp = cv2.getPerspectiveTransform(corners, _in_perspective(rng, corners, shape))
    focus = float(rng.uniform(0.4, 1.0))
    sheet, letters_ = (
        np.asarray(
            cv2.GaussianBlur(cv2.warpPerspective(part, warp, shape[::-1]), (0, 0), focus), np.uint8
        )
        for part in (np.full_like(inked, 255), inked)
    )
    board, ink = _colours(rng)
    paint(picture, sheet, _lit(rng, picture, board))
    if rng.random() < 0.5:
        cell = log_uniform(rng, 4.0, 30.0)
        worn = smooth_step(smooth_noise(rng, shape, cell) + np.float32(1.2))
        letters_ = (letters_ * worn).astype(np.uint8)
    paint(picture, letters_, _lit(rng, picture, ink), float(rng.uniform(0.8, 1.0)))


def _board(rng: np.random.Generator) -> Coverage:
    """One to four lines of letters, with a margin and now and then a frame."""
    texts = [words(rng, int(rng.integers(1, 4))) for _ in range(rng.integers(1, 5))]
    lines = [letters(rng, text, _CAPITAL) for text in texts]
    height = sum(line.shape[0] + _MARGIN for line in lines) + _MARGIN
    board = np.zeros((height, max(line.shape[1] for line in lines) + 2 * _MARGIN), np.uint8)
    top = _MARGIN
    for line in lines:
        place(board, line, (board.shape[1] - line.shape[1]) // 2, top)
        top += line.shape[0] + _MARGIN
    if rng.random() < 0.3:
        cv2.rectangle(board, (3, 3), (board.shape[1] - 4, board.shape[0] - 4), 255, 2)
    return board


def _corners(shape: tuple[int, ...]) -> NDArray[np.float32]:
    height, width = shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _in_perspective(
    rng: np.random.Generator, corners: NDArray[np.float32], shape: Shape
) -> NDArray[np.float32]:
    """Where a flat thing's corners are seen after it was turned in space."""
    yaw, pitch, roll = np.radians(rng.normal(0.0, (35.0, 12.0, 4.0))).clip(-1.1, 1.1)
    flat = (corners - corners.mean(axis=0)) / np.abs(corners).max()
    turn, _ = cv2.Rodrigues(np.array([pitch, yaw, roll]))
    seen = np.concatenate([flat, np.zeros((4, 1))], axis=1) @ turn.T
    nearness = 1.0 / (1.0 + rng.uniform(0.2, 0.7) * seen[:, 2:])
    long = log_uniform(rng, 0.2, 1.1) * min(shape)
    middle = rng.uniform(0.1, 0.9, 2) * np.array(shape[::-1])
    return (middle + seen[:, :2] * nearness * long).astype(np.float32)


def _colours(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of a board and its letters: one light, one dark; most nearly grey, some in full colour."""
    light, dim = rng.uniform(0.6, 1.0), rng.uniform(0.02, 0.35)
    tints = [rng.normal(0.0, log_uniform(rng, 0.02, 0.3), 3) for _ in range(2)]
    first, second = (np.clip(v + t, 0.0, 1.0) for v, t in zip((light, dim), tints, strict=True))
    return (first, second) if rng.random() < 0.6 else (second, first)


def _lit(rng: np.random.Generator, picture: Pixels, colour: NDArray[np.float64]) -> Pixels:
    """A surface of one colour in the scene's light, a little uneven and shaded to one side."""
    shape = picture.shape[0], picture.shape[1]
    level = 0.45 + 0.7 * float(picture[::8, ::8].mean()) / 255.0
    ramp = np.linspace(rng.uniform(0.75, 1.1), rng.uniform(0.75, 1.1), shape[1], dtype=np.float32)
    uneven = np.float32(1.0) + np.float32(0.06) * smooth_noise(rng, shape, 40.0)
    light = np.maximum(uneven * (np.float32(level) * ramp), np.float32(0.0))
    planes = [cv2.convertScaleAbs(light, alpha=255.0 * channel) for channel in colour]
    return np.asarray(cv2.merge(planes), np.uint8)
