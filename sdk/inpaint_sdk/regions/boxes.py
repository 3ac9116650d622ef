"""Rectangles of a picture, and how large a part of one a network may be shown at once."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from inpaint_sdk.errors import ImageError
from inpaint_sdk.models.info import Family

Strategy = Literal["auto", "crop", "resize", "full"]

DEFAULT_MEMORY_MB = 640

RESIZED_SIDE = 4
"""Longer side of a picture under ``strategy="resize"``, in sides that a model was trained on."""


class Box(NamedTuple):
    """A rectangle in pixels; ends are exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """To index an array [H, W, ...] with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, down: int, right: int) -> Box:
        return Box(self.top + down, self.bottom + down, self.left + right, self.right + right)

    def union(self, other: Box) -> Box:
        return Box(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )

    def meets(self, other: Box) -> bool:
        """Whether they have a pixel in common."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )


# Working memory for each pixel of a network's input, measured with ONNX Runtime in fp32 over three
# runs of 1 to 4 megapixels (photo 76 to 84, cloud-thin 160) and rounded up. Fixed numbers
# and not the machine's free memory, so that every machine cuts a picture in the same way.
_BYTES_PER_PIXEL: dict[Family, int] = {"cnn": 100, "sarnn": 180}
_BYTES_PER_PIXEL_OTHERS = 280

# A transformer compares every part of a picture with every other, so memory grows with the square
# of the pixels: measured with photo-codebook from 0.25 to 1 megapixel.
_ATTENTION_BYTES_PER_PIXEL = 120
_ATTENTION_BYTES_PER_PAIR = 8e-4

_SMALLEST_MB = 16


def pixels_within(memory_mb: int, family: Family) -> int:
    """How many pixels a network of that family may be shown at once.

    Raises:
        ImageError: ``memory_mb`` is too small to work with.
    """
    if memory_mb < _SMALLEST_MB:
        raise ImageError(f"memory_mb is {memory_mb}; it must be at least {_SMALLEST_MB}")
    memory = memory_mb * 1_000_000
    if family == "transformer":
        linear, square = _ATTENTION_BYTES_PER_PIXEL, _ATTENTION_BYTES_PER_PAIR
        return int((math.sqrt(linear**2 + 4.0 * square * memory) - linear) / (2.0 * square))
    return memory // _BYTES_PER_PIXEL.get(family, _BYTES_PER_PIXEL_OTHERS)


def too_large(height: int, width: int, memory_mb: int) -> ImageError:
    """For a picture that ``strategy="full"`` would take more memory for than is allowed."""
    return ImageError(
        f"{width}x{height} pixels at once take more than memory_mb={memory_mb}; "
        'raise it, or take strategy="auto"'
    )


def reduced_size(height: int, width: int, trained_size: int, most: int) -> tuple[int, int]:
    """Height and width that ``strategy="resize"`` reduces a picture to; never larger than it is."""
    longest = RESIZED_SIDE * trained_size
    share = min(1.0, longest / max(height, width), (most / (height * width)) ** 0.5)
    return max(1, int(height * share)), max(1, int(width * share))
