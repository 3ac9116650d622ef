"""Between pictures and the network's tensors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.base import Tensor
from inpaint_sdk.errors import ModelError
from inpaint_sdk.images import Channels, Pixels
from inpaint_sdk.masks import Hole


def image_tensor(pixels: Pixels, channels: Channels, multiple: int) -> Tensor:
    """From uint8 [H, W, 3] to RGB float32 [1, 3, H', W'] in [0, 1], mirrored at its end.

    H' and W' are the next multiples of ``multiple``.
    """
    height, width = pixels.shape[:2]
    padding = _padding(height, multiple), _padding(width, multiple)
    if any(end for _, end in padding):
        pixels = np.pad(pixels, (*padding, (0, 0)), mode="symmetric")
    tensor = np.empty((1, 3, *pixels.shape[:2]), np.float32)
    planes = cv2.split(pixels)
    for index, plane in enumerate(planes if channels == "rgb" else planes[::-1]):
        np.multiply(plane, np.float32(1 / 255), out=tensor[0, index])
    return tensor


def mask_tensor(hole: Hole, multiple: int) -> Tensor:
    """From uint8 [H, W] to float32 [1, 1, H', W'], 1 in the hole, mirrored as the image is."""
    height, width = hole.shape
    padding = _padding(height, multiple), _padding(width, multiple)
    padded = np.pad(hole, padding, mode="symmetric")
    tensor: Tensor = np.multiply(padded, np.float32(1 / 255))[None, None]
    return tensor


def to_pixels(output: Tensor, channels: Channels, height: int, width: int) -> Pixels:
    """From float32 [1, 3, H', W'] to uint8 [height, width, 3].

    Raises:
        ModelError: the tensor is not finite.
    """
    planes = [output[0, index, :height, :width] for index in range(3)]
    merged = cv2.merge(planes if channels == "rgb" else planes[::-1])
    require_finite(merged)
    np.clip(merged, 0.0, 1.0, out=merged)
    return cv2.convertScaleAbs(merged, alpha=255.0).astype(np.uint8, copy=False)


def require_finite(output: NDArray[np.generic]) -> None:
    """Raises ``ModelError`` if a network's output has a NaN or an infinity."""
    if not np.isfinite(output.sum()):
        raise ModelError("the model's output is not finite; its file or its precision is at fault")


def _padding(size: int, multiple: int) -> tuple[int, int]:
    return (0, -size % multiple)
