"""Classical inpainting from libraries: functions from a picture and a mask to a picture.

Pictures are uint8 BGR [H, W, 3]; masks are uint8 [H, W], 255 in the hole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Restore = Callable[[Pixels, Pixels], Pixels]

RADIUS = 3.0
"""Of OpenCV's, as in its own examples."""

PATCH_RADIUS = 3
"""Of PatchMatch's, as in its own examples: patches of 7x7."""


@dataclass(frozen=True)
class Peer:
    """library: the distribution that it comes from. load: imports it and returns its function."""

    library: str
    load: Callable[[], Restore]


def _telea() -> Restore:
    return lambda picture, mask: cv2.inpaint(picture, mask, RADIUS, cv2.INPAINT_TELEA).astype(
        np.uint8, copy=False
    )


def _navier_stokes() -> Restore:
    return lambda picture, mask: cv2.inpaint(picture, mask, RADIUS, cv2.INPAINT_NS).astype(
        np.uint8, copy=False
    )


def _biharmonic() -> Restore:
    from skimage.restoration import inpaint_biharmonic

    def restore(picture: Pixels, mask: Pixels) -> Pixels:
        filled = inpaint_biharmonic(picture, mask > 0, channel_axis=2)  # float64 in [0, 1]
        restored: Pixels = np.rint(np.clip(filled, 0, 1) * 255).astype(np.uint8)
        return restored

    return restore


def _patchmatch() -> Restore:
    import patchmatch

    patchmatch.set_random_seed(0)

    def restore(picture: Pixels, mask: Pixels) -> Pixels:
        return np.asarray(patchmatch.inpaint(picture, mask, patch_size=PATCH_RADIUS), np.uint8)

    return restore


PEERS = {
    "opencv-telea": Peer("opencv-python-headless", _telea),
    "opencv-ns": Peer("opencv-python-headless", _navier_stokes),
    "skimage-biharmonic": Peer("scikit-image", _biharmonic),
    "patchmatch": Peer("pypatchmatch", _patchmatch),
}
