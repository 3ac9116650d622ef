"""Rectangles of a picture, and how many pixels of one a network may be shown at once."""

from __future__ import annotations

from typing import NamedTuple

from inpaint_sdk.errors import ImageError
from inpaint_sdk.models.info import Memory

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

    def widened(self, margin: int, height: int, width: int) -> Box:
        """With so many pixels more on each side, as far as a picture of this size goes."""
        return Box(
            max(0, self.top - margin),
            min(height, self.bottom + margin),
            max(0, self.left - margin),
            min(width, self.right + margin),
        )

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


def pixels_within(memory_mb: int, memory: Memory) -> int:
    """Pixels that a network whose runs take ``memory`` may be shown at once."""
    return memory.pixels_within(memory_mb * 1_000_000)


def too_large(height: int, width: int, memory_mb: int) -> ImageError:
    """The error for a picture that ``strategy="full"`` has too little memory for."""
    return ImageError(
        f"{width}x{height} pixels at once take more than memory_mb={memory_mb}; "
        'raise it, or take strategy="auto"'
    )


def reduced_size(height: int, width: int, trained_size: int, max_pixels: int) -> tuple[int, int]:
    """Height and width that ``strategy="resize"`` reduces a picture to; never larger than it is."""
    max_side = RESIZED_SIDE * trained_size
    scale = min(1.0, max_side / max(height, width), (max_pixels / (height * width)) ** 0.5)
    return max(1, int(height * scale)), max(1, int(width * scale))
