"""Damage that stays in its place while the picture moves: on a lens, a sensor, a glass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from inpaint_sdk.errors import ImageError
from inpaint_sdk.images.image import Pixels
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB
from inpaint_sdk.runners.detector import Detection, DetectionOptions, Probability

if TYPE_CHECKING:
    from inpaint_sdk.restorer import Restorer
    from inpaint_sdk.runners.masked import MaskedRestorer

MEMORY = 64
"""Looks over which probabilities are averaged; older ones fade."""

STAYS = 0.6
"""Share of the threshold above which a pixel that was marked stays so: masks do not flicker."""

FIRST = 16
"""Frames at the start that are all looked at; later only every ``SOME``-th is."""

SOME = 8


class StaticDamage:
    """Accumulates what a detector sees in frame after frame of one size."""

    def __init__(self, options: DetectionOptions) -> None:
        self._options = options
        self._looks = 0
        self._mean: Probability | None = None
        self._marked: Mask | None = None

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
        self._looks = min(self._looks + 1, MEMORY)
        self._mean += (probability - self._mean) / np.float32(self._looks)
        threshold = self._options.threshold
        marked = self._mean >= threshold
        if self._marked is not None:
            marked |= (self._marked > 0) & (self._mean >= STAYS * threshold)
        self._marked = np.multiply(marked, 255, dtype=np.uint8)

    @property
    def hole(self) -> Mask:
        """What is to be restored now, widened as the options say, uint8 [H, W], 255 in it.

        Raises:
            MaskError: it is everything.
        """
        assert self._marked is not None and self._mean is not None, "no frame was added"
        return Detection(self._marked, self._mean).hole(self._options)


class LensRestorer:
    """Restores frames in order where damage stays in its place. Made by :meth:`Restorer.on_lens`.

    The first frames are all looked at, so what is fixed shows after a few; until then a find may
    be the picture's own. Not to be shared by threads: frames come in order.
    """

    def __init__(
        self,
        restorer: Restorer,
        options: DetectionOptions,
        with_mask: Callable[[Mask], MaskedRestorer],
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> None:
        self._restorer = restorer
        self._with_mask = with_mask
        self._memory_mb = memory_mb
        self._lens = StaticDamage(options)
        self._frames = 0
        self._hole: Mask | None = None
        self._masked: MaskedRestorer | None = None

    @property
    def mask(self) -> Mask | None:
        """What is restored now, uint8 [H, W], 255 in it; None before the first frame."""
        return self._hole

    def __call__(self, image: Pixels) -> Pixels:
        if self._frames < FIRST or self._frames % SOME == 0:
            self._look(image)
        self._frames += 1
        assert self._masked is not None
        return self._masked(image)

    def _look(self, image: Pixels) -> None:
        found = self._restorer.detect(image, memory_mb=self._memory_mb)
        self._lens.add(found.probability)
        hole = self._lens.hole
        if self._hole is None or _differ(hole, self._hole):
            self._hole, self._masked = hole, self._with_mask(hole)


def _differ(hole: Mask, before: Mask) -> bool:
    """Whether one has a pixel that is not beside a pixel of the other."""
    element = np.ones((3, 3), np.uint8)
    outside = (hole > cv2.dilate(before, element)) | (before > cv2.dilate(hole, element))
    return bool(outside.any())
