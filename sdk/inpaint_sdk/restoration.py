"""Running a model that needs no mask: it finds the damage by itself."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends import Session
from inpaint_sdk.images import Channels, Pixels
from inpaint_sdk.masks import Hole
from inpaint_sdk.tensors import image_tensor, require_finite, to_pixels


def restore(
    session: Session,
    pixels: Pixels,
    region: Hole | None,
    *,
    channels: Channels,
    multiple: int,
) -> Pixels:
    """Returns ``pixels`` [H, W, 3] restored; outside the region it is unchanged, to the bit.

    region: uint8 [H, W], 255 where pixels may change; None for everywhere. The network is shown
    the whole picture either way. multiple: of which the network's input sides must be.

    Raises:
        ModelError: the network's output is not finite.
    """
    height, width = pixels.shape[:2]
    output = session.run({"image": image_tensor(pixels, channels, multiple)})["output"]
    restored = to_pixels(output, channels, height, width)
    if region is None:
        return restored
    return cv2.copyTo(restored, region, pixels.copy(order="C")).astype(np.uint8, copy=False)


def attention(
    session: Session, pixels: Pixels, *, channels: Channels, multiple: int
) -> NDArray[np.float32]:
    """Where the network sees damage, float32 [H, W] in [0, 1], for ``pixels`` [H, W, 3].

    Raises:
        ModelError: the network's output is not finite.
    """
    height, width = pixels.shape[:2]
    output = session.run({"image": image_tensor(pixels, channels, multiple)})["attention"]
    require_finite(output)
    seen: NDArray[np.float32] = output[0, 0, :height, :width].clip(0.0, 1.0)
    return seen
