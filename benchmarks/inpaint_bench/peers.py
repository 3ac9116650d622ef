"""Classical inpainting from OpenCV, to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint_bench.executors import Executor
from inpaint_eval.scores import Pixels

RADIUS = 3.0
"""As in OpenCV's own examples."""


@dataclass(frozen=True)
class Peer:
    """title: as tables have it. method: OpenCV's number for it."""

    title: str
    method: int
    library: str = "opencv-python-headless"

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        """A picture, uint8 BGR [H, W, 3], with its hole filled; mask: uint8 [H, W], 255 there."""
        return cv2.inpaint(picture, mask, RADIUS, self.method).astype(np.uint8, copy=False)


PEERS = {
    "opencv-telea": Peer("OpenCV Telea", cv2.INPAINT_TELEA),
    "opencv-ns": Peer("OpenCV Navier-Stokes", cv2.INPAINT_NS),
}


class Classical(Executor):
    """A peer as an executor. Its threads are those that OpenCV was told to use."""

    def load(self) -> None:
        self._peer = PEERS[self.order.candidate.name]

    def infer(self, fed: tuple[Pixels, Pixels]) -> Pixels:
        return self._peer.restore(*fed)
