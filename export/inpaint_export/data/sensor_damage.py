"""What a sensor or a lens does in places: dead pixels and lines, dirt, drops; drawn in place."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    anywhere,
    brighten,
    dark,
    log_uniform,
    offsets,
    paint,
    smooth_step,
    spots,
)
from inpaint_eval.pictures import Pixels


def pixels(rng: np.random.Generator, picture: Pixels) -> None:
    """Pixels of a sensor that are dead, or stuck in one or all colours."""
    height, width = picture.shape[:2]
    for _ in range(round(log_uniform(rng, 2, 120))):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        side = 1 if rng.random() < 0.8 else 2
        value = 255 * int(rng.integers(2)) if rng.random() < 0.8 else int(rng.integers(256))
        channels = slice(None) if rng.random() < 0.5 else int(rng.integers(3))
        picture[y : y + side, x : x + side, channels] = value


def lines(rng: np.random.Generator, picture: Pixels) -> None:
    """Rows or columns of a sensor that are dead, stuck or of another gain."""
    rows = picture.transpose(1, 0, 2) if rng.random() < 0.6 else picture
    count, length = rows.shape[:2]
    for _ in range(int(rng.integers(1, 7))):
        row = int(rng.integers(count))
        thick = 1 if rng.random() < 0.75 else 2
        begin = 0 if rng.random() < 0.7 else int(rng.integers(length))
        part = rows[row : row + thick, begin:]
        kind = rng.random()
        if kind < 0.5:
            part[:] = 255 * int(rng.integers(2))
        elif kind < 0.7:
            part[:] = rng.integers(0, 256, 3)
        elif kind < 0.8:  # flickers
            part[:] = rng.integers(0, 256, (part.shape[1], 1))
        else:
            offset = 255.0 * rng.choice([-1.0, 1.0]) * rng.uniform(0.08, 0.3)
            part[:] = np.clip(part * rng.uniform(0.2, 1.6) + offset, 0.0, 255.0)


def dirt(rng: np.random.Generator, picture: Pixels) -> None:
    """Dirt on a lens: soft dark or pale spots, out of focus."""
    opacity = spots(rng, picture.shape[:2], round(log_uniform(rng, 1, 10)), (3.0, 35.0))
    colour = dark(rng) if rng.random() < 0.7 else np.full(3, rng.uniform(0.3, 0.9), np.float32)
    paint(picture, opacity, colour, float(rng.uniform(0.3, 0.95)))


def drops(rng: np.random.Generator, picture: Pixels) -> None:
    """Water on a lens: each drop shows what is around it small, upside down and blurred."""
    height, width = picture.shape[:2]
    for _ in range(round(log_uniform(rng, 1, 10))):
        radius = log_uniform(rng, 4.0, 32.0)
        centre = anywhere(rng, (height, width))
        squash = np.float32(rng.uniform(0.7, 1.3))
        left, top = (max(0, int(v - 1.5 * radius)) for v in centre)
        right = min(width, int(centre[0] + 1.5 * radius) + 2)
        bottom = min(height, int(centre[1] + 1.5 * radius) + 2)
        across, down = offsets(centre, (left, top), (bottom - top, right - left))
        across, down = np.broadcast_arrays(across, down * squash)
        distance = np.sqrt(across * across + down * down) / np.float32(radius)
        inside = smooth_step((1.0 - distance) / np.float32(rng.uniform(0.06, 0.4)))
        shrink = -np.float32(rng.uniform(1.5, 4.0))
        mirrored = cv2.remap(
            picture,
            np.float32(centre[0]) + shrink * across,
            np.float32(centre[1]) + shrink * down,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        seen = cv2.GaussianBlur(mirrored, (0, 0), rng.uniform(0.8, 4.0)).astype(np.uint8)
        slope = (across * np.float32(rng.normal()) + down) / np.float32(radius)
        shading = np.float32(rng.uniform(0.1, 0.5)) * slope * distance**2
        brighten(seen, shading + np.float32(rng.uniform(-0.15, 0.15)))
        part = np.ascontiguousarray(picture[top:bottom, left:right])
        paint(part, inside, seen)
        picture[top:bottom, left:right] = part
