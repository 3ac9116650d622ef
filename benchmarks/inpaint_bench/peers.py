"""Classical inpainting from libraries, to stand beside ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from inpaint_bench.executors import Executor
from inpaint_eval.scores import Pixels

Restore = Callable[[Pixels, Pixels], Pixels]
"""From a picture, uint8 BGR [H, W, 3], and a mask, uint8 [H, W], 255 in the hole, to a picture."""

RADIUS = 3.0
"""Of OpenCV's, as in its own examples."""


@dataclass(frozen=True)
class Peer:
    """title: as tables have it. library: the distribution that it comes from.

    load: imports it and returns its function.
    """

    title: str
    library: str
    load: Callable[[], Restore]


def _opencv(method: int) -> Callable[[], Restore]:
    def restore(picture: Pixels, mask: Pixels) -> Pixels:
        return cv2.inpaint(picture, mask, RADIUS, method).astype(np.uint8, copy=False)

    return lambda: restore


def _biharmonic() -> Restore:
    from skimage.restoration import inpaint_biharmonic

    def restore(picture: Pixels, mask: Pixels) -> Pixels:
        filled = inpaint_biharmonic(picture, mask > 0, channel_axis=2)  # float64 in [0, 1]
        restored: Pixels = np.rint(np.clip(filled, 0, 1) * 255).astype(np.uint8)
        return restored

    return restore


OPENCV = "opencv-python-headless"

PEERS = {
    "opencv-telea": Peer("OpenCV Telea", OPENCV, _opencv(cv2.INPAINT_TELEA)),
    "opencv-ns": Peer("OpenCV Navier-Stokes", OPENCV, _opencv(cv2.INPAINT_NS)),
    "skimage-biharmonic": Peer("scikit-image biharmonic", "scikit-image", _biharmonic),
}


class Classical(Executor):
    """A peer as an executor. Its threads are those that the library was told to use."""

    def load(self) -> None:
        self._restore = PEERS[self.order.candidate.name].load()

    def infer(self, fed: tuple[Pixels, Pixels]) -> Pixels:
        return self._restore(*fed)
