"""Running an inpainting model on the part of a picture that needs it."""

from __future__ import annotations

from typing import NamedTuple

import cv2

from inpaint_sdk.backends import Session
from inpaint_sdk.images import Channels, Pixels
from inpaint_sdk.masks import Hole
from inpaint_sdk.tensors import image_tensor, mask_tensor, to_pixels

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
    image = image_tensor(pixels[rows, columns], channels, multiple)
    mask = mask_tensor(hole, multiple)
    output = session.run({"image": image, "mask": mask})["output"]
    filled = to_pixels(output, channels, *hole.shape)
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
