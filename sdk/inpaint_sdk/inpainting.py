"""Running an inpainting model on the part of a picture that needs it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from inpaint_sdk.backends import Session
from inpaint_sdk.backends.base import Tensor
from inpaint_sdk.errors import ModelError
from inpaint_sdk.images import Channels, Pixels
from inpaint_sdk.masks import Hole

CONTEXT = 128
"""Known pixels that the network is shown on each side of the hole, where there are as many."""


class Box(NamedTuple):
    """A rectangle of a picture, in pixels; ends are exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def inpaint(
    session: Session, pixels: Pixels, hole: Hole, *, channels: Channels, multiple: int
) -> Pixels:
    """Returns a copy of ``pixels`` [H, W, 3] in which the hole is filled; the rest is unchanged.

    hole: uint8 [H, W], 255 where pixels are to be filled. There is at least one such pixel and at
    least one other. multiple: of which the network's input sides must be.

    Raises:
        ModelError: the network's output is not finite.
    """
    box = _box_around(hole, multiple)
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    hole = hole[rows, columns]
    image = _image_tensor(pixels[rows, columns], channels, multiple)
    mask = _mask_tensor(hole, multiple)
    output = session.run({"image": image, "mask": mask})["output"]
    filled = _pixels(output, channels, hole.shape)
    result: Pixels = pixels.copy(order="C")
    # A masked copy leaves every known pixel as it was, to the bit.
    result[rows, columns] = cv2.copyTo(filled, hole, result[rows, columns].copy())
    return result


def _box_around(hole: Hole, multiple: int) -> Box:
    """The hole's bounding box with its context, so that cost follows the damage."""
    left, top, width, height = cv2.boundingRect(hole)
    rows = _widen(top, top + height, hole.shape[0], multiple)
    columns = _widen(left, left + width, hole.shape[1], multiple)
    return Box(*rows, *columns)


def _widen(start: int, end: int, limit: int, multiple: int) -> tuple[int, int]:
    """Adds the context and what is missing to a multiple, within ``limit``.

    Real pixels make a better last few rows than the mirrored ones that padding would add.
    """
    start, end = max(0, start - CONTEXT), min(limit, end + CONTEXT)
    missing = -(end - start) % multiple
    end = min(limit, end + missing)
    start = max(0, start - (-(end - start) % multiple))
    return start, end


def _padding(size: int, multiple: int) -> tuple[int, int]:
    return (0, -size % multiple)


def _image_tensor(pixels: Pixels, channels: Channels, multiple: int) -> Tensor:
    """From uint8 [H, W, 3] to RGB float32 [1, 3, H', W'] in [0, 1], mirrored at its end."""
    height, width = pixels.shape[:2]
    padding = _padding(height, multiple), _padding(width, multiple)
    if any(end for _, end in padding):
        pixels = np.pad(pixels, (*padding, (0, 0)), mode="symmetric")
    tensor = np.empty((1, 3, *pixels.shape[:2]), np.float32)
    planes = cv2.split(pixels)
    for index, plane in enumerate(planes if channels == "rgb" else planes[::-1]):
        np.multiply(plane, np.float32(1 / 255), out=tensor[0, index])
    return tensor


def _mask_tensor(hole: Hole, multiple: int) -> Tensor:
    """From uint8 [H, W] to float32 [1, 1, H', W'], 1 in the hole, mirrored as the image is."""
    height, width = hole.shape
    padding = _padding(height, multiple), _padding(width, multiple)
    padded = np.pad(hole, padding, mode="symmetric")
    tensor: Tensor = np.multiply(padded, np.float32(1 / 255))[None, None]
    return tensor


def _pixels(output: Tensor, channels: Channels, shape: tuple[int, ...]) -> Pixels:
    """From float32 [1, 3, H', W'] to uint8 [H, W, 3]."""
    height, width = shape
    planes = [output[0, index, :height, :width] for index in range(3)]
    merged = cv2.merge(planes if channels == "rgb" else planes[::-1])
    if not np.isfinite(merged.sum()):
        raise ModelError("the model's output is not finite; its file or its precision is at fault")
    np.clip(merged, 0.0, 1.0, out=merged)
    return cv2.convertScaleAbs(merged, alpha=255.0).astype(np.uint8, copy=False)
