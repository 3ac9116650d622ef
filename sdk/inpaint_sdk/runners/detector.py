"""Finding damage: what is asked of a model for the task ``detect``, and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends import BackendOptions, Session, open_session
from inpaint_sdk.errors import MaskError, ModelError
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.models.zoo import open_model
from inpaint_sdk.images.image import Channels, Pixels, colours_of
from inpaint_sdk.images.masks import Mask, masked_fraction
from inpaint_sdk.regions.boxes import Box, pixels_within

DETECTOR = "damage"
"""Name of the model that finds damage for all others."""

DamageIn = Literal["frame", "lens"]
"""Where the damage of moving pictures is: anew in each frame, or in one place in all of them."""

LONGEST = 1024
"""Longer side, in pixels, of the pictures whose damage looks as it does in training. A larger
picture is looked at in smaller sizes too: its scratches may be wide ones."""

OVERLAP = 128
"""Of neighbouring tiles, in pixels."""

Probability = NDArray[np.float32]


def check_damage(damage: DamageIn) -> None:
    """Raises ``MaskError`` for what is neither of the two."""
    if damage not in get_args(DamageIn):
        raise MaskError(f'damage is {damage!r}; it must be "frame" or "lens"')


@dataclass(frozen=True)
class DetectionOptions:
    """How sure a detector must be, and how far around its finds a picture is restored.

    threshold: probability from which a pixel counts as damaged, between 0 and 1. dilation: pixels
    by which the mask is widened before it is restored, since damage has soft edges. min_mean_probability:
    probability that a connected place must have on average, or nothing of it counts; where it is no
    more than the threshold, all count. So a scratch is followed from where it is plain to where it
    is faint, and what is only like damage is left alone. What is averaged over frames is sure
    enough, and the threshold alone decides.

    Raises:
        MaskError: one of them is out of range.
    """

    threshold: float = 0.5
    dilation: int = 1
    min_mean_probability: float = 0.8

    def __post_init__(self) -> None:
        for name, value in (("threshold", self.threshold), ("min_mean_probability", self.min_mean_probability)):
            if not 0.0 < value < 1.0:
                raise MaskError(f"{name} is {value}; it is between 0 and 1")
        if self.dilation < 0:
            raise MaskError(f"dilation is {self.dilation}; it is a number of pixels, 0 for none")


@dataclass(frozen=True)
class Detection:
    """What a detector found.

    mask: uint8 [H, W], 255 where the picture is damaged. probability: float32 [H, W], from 0 to 1.
    """

    mask: Mask
    probability: Probability

    @property
    def share(self) -> float:
        """Of the pixels that are damaged, from 0 to 1."""
        return masked_fraction(self.mask)

    @classmethod
    def of(cls, probability: Probability, options: DetectionOptions) -> Detection:
        """Marks what is as probable as the options ask for."""
        marked = probability >= options.threshold
        mask = np.multiply(marked, 255, dtype=np.uint8)
        if options.min_mean_probability <= options.threshold or not marked.any():
            return cls(mask, probability)
        import cv2

        count, places = cv2.connectedComponents(mask, connectivity=8)
        labels = places[marked]
        sums = np.bincount(labels, probability[marked], count)
        sure = sums >= options.min_mean_probability * np.bincount(labels, minlength=count)
        sure[0] = False  # what is around all places
        return cls(np.multiply(sure, 255, dtype=np.uint8)[places], probability)

    def hole(self, options: DetectionOptions) -> Mask:
        """What is to be restored: the mask, widened, uint8 [H, W], 255 in it.

        Raises:
            MaskError: it is the whole picture, so nothing would be known to restore it from.
        """
        if not self.mask.any():
            return self.mask
        import cv2

        side = 2 * options.dilation + 1
        element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        hole = cv2.dilate(self.mask, element).astype(np.uint8, copy=False)
        if hole.all():
            raise MaskError(
                "damage was found everywhere, so nothing is known to restore the image from; "
                "give a mask, or a higher threshold or min_mean_probability"
            )
        return hole


class Detector:
    """A loaded model for the task ``detect``. May be shared by threads."""

    def __init__(self, model: ModelInfo, session: Session) -> None:
        if model.task != "detect":
            raise ModelError(
                f"the model {model.name!r} finds no damage: it is for the task {model.task!r}; "
                f"{DETECTOR} does"
            )
        self.model = model
        self._session = session

    def probability(self, pixels: Pixels, channels: Channels, memory_mb: int) -> Probability:
        """Of each pixel that it is damaged, float32 [H, W].

        A picture whose longer side is over ``LONGEST`` is looked at in halved sizes too, until it
        is not, and the largest answer counts.

        Raises:
            ImageError: ``memory_mb`` is too small to work with.
            ModelError: the network's output is not finite.
        """
        import cv2

        found = self._probability(pixels, channels, memory_mb)
        height, width = pixels.shape[:2]
        for small in _halved(pixels):
            coarse = self._probability(small, channels, memory_mb)
            enlarged = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
            np.maximum(found, enlarged, out=found)
        return found

    def _probability(self, pixels: Pixels, channels: Channels, memory_mb: int) -> Probability:
        from inpaint_sdk.images.tensors import image_tensor, require_finite
        from inpaint_sdk.regions.tiles import cut_axes, run_tiled

        multiple = self.model.size_multiple

        def run(box: Box) -> NDArray[np.float32]:
            image = image_tensor(pixels[box.slices], channels, multiple)
            output = self._session.run({"image": image})["probability"]
            require_finite(output)
            planes: NDArray[np.float32] = output[0, 0, : box.height, : box.width, None]
            return planes

        height, width = pixels.shape[:2]
        most = pixels_within(memory_mb, self.model.memory)
        axes = cut_axes(height, width, most=most, overlap=OVERLAP, multiple=multiple)
        found = np.empty((height, width), np.float32)
        for box, planes in run_tiled(*axes, run):
            found[box.slices] = planes[..., 0].clip(0.0, 1.0)
        return found


def _halved(pixels: Pixels) -> Iterator[Pixels]:
    """The picture at half, a quarter, ... of its size, [h, w, 1 or 3], down to ``LONGEST``."""
    import cv2

    colours = colours_of(pixels)
    while max(colours.shape[:2]) > LONGEST:
        height, width, count = colours.shape
        size = max(1, width // 2), max(1, height // 2)
        small = cv2.resize(np.ascontiguousarray(colours), size, interpolation=cv2.INTER_AREA)
        colours = small.reshape(size[1], size[0], count)
        yield colours


class LazyDetector:
    """Loads a detector when it is first asked for, once, whichever thread asks."""

    def __init__(self, name_or_path: str | Path, backend: str, threads: int | None) -> None:
        self._source = name_or_path
        self._backend = backend
        self._threads = threads
        self._lock = threading.Lock()
        self._detector: Detector | None = None

    @classmethod
    def loaded(cls, detector: Detector) -> LazyDetector:
        """One that is there already."""
        lazy = cls(detector.model.name, "auto", None)
        lazy._detector = detector
        return lazy

    def get(self) -> Detector:
        """Raises ``ModelError`` or ``BackendError`` if it cannot be loaded."""
        with self._lock:
            if self._detector is None:
                model = open_model(self._source)
                session = open_session(model, BackendOptions(self._backend, threads=self._threads))
                self._detector = Detector(model.info, session)
            return self._detector
