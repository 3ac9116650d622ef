"""What is measured: our models and their peers, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk import Restorer

Pixels = NDArray[np.uint8]


class Candidate(Protocol):
    """Something that restores pictures."""

    name: str

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        """From uint8 BGR [H, W, 3] and a mask [H, W], nonzero in the hole, to a picture."""


class SdkModel:
    """A model of ours through the public SDK, all of its pre- and post-processing included."""

    def __init__(self, model: str | Path, threads: int) -> None:
        self._restorer = Restorer.load(model, threads=threads)
        self.name = self._restorer.model.name

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        return self._restorer.restore(picture, mask)


class OpenCvInpaint:
    """OpenCV's classical inpainting, with the radius of its own examples: 3 pixels."""

    RADIUS = 3.0

    def __init__(self, name: str, method: int) -> None:
        self.name = name
        self._method = method

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        return cv2.inpaint(picture, mask, self.RADIUS, self._method).astype(np.uint8, copy=False)


PEERS: dict[str, Callable[[], Candidate]] = {
    "opencv-telea": lambda: OpenCvInpaint("opencv-telea", cv2.INPAINT_TELEA),
    "opencv-ns": lambda: OpenCvInpaint("opencv-ns", cv2.INPAINT_NS),
}
