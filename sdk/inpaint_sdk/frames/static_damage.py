"""Damage that stays in its place while the picture moves: on a lens, a sensor, a glass."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_sdk.errors import ImageError
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.options import Options
from inpaint_sdk.runners.detect import Probability, widen

WINDOW = 64
"""Frames over which probabilities are averaged; older ones fade."""

HYSTERESIS = 0.6
"""Share of the threshold above which a pixel that was found stays so: masks do not flicker."""


class StaticDamage:
    """Accumulates what a detector sees in frame after frame of one size.

    What is sure is what stays: only the threshold counts, and ``min_mean_probability`` does not.
    """

    def __init__(self, options: Options) -> None:
        self._options = options.detection
        self._frames = 0
        self._mean: Probability | None = None
        self._found: Mask | None = None

    def add(self, probability: Probability) -> None:
        """Takes one more frame's probabilities, float32 [H, W].

        Raises:
            ImageError: they are of another size than the frames before.
        """
        if self._mean is None:
            self._mean = np.zeros_like(probability)
        if probability.shape != self._mean.shape:
            (height, width), (first_height, first_width) = probability.shape, self._mean.shape
            raise ImageError(
                f"the frame is {width}x{height}, those before were {first_width}x{first_height} "
                "(width x height); they must be of one size"
            )
        self._frames = min(self._frames + 1, WINDOW)
        self._mean += (probability - self._mean) / np.float32(self._frames)
        threshold = self._options.threshold
        found = self._mean >= threshold
        if self._found is not None:
            found |= (self._found > 0) & (self._mean >= HYSTERESIS * threshold)
        self._found = np.multiply(found, 255, dtype=np.uint8)

    @property
    def mask(self) -> Mask:
        """What is to be restored now, widened as the options say, uint8 [H, W], 255 there."""
        if self._found is None:
            raise ImageError("no frame was looked at, so nothing is known of what is damaged")
        return widen(self._found, self._options.dilation)


def masks_differ(mask: Mask, before: Mask) -> bool:
    """Whether one has a pixel that is not beside a pixel of the other."""
    element = np.ones((3, 3), np.uint8)
    outside = (mask > cv2.dilate(before, element)) | (before > cv2.dilate(mask, element))
    return bool(outside.any())
