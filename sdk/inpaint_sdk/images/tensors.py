"""Between pictures and the network's tensors."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import ModelError
from inpaint_sdk.images.image import Channels, Pixels, colours_of, max_value
from inpaint_sdk.images.masks import Mask

Tensor: TypeAlias = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""


def to_float01(pixels: Pixels) -> NDArray[np.float32]:
    """Colours [H, W, 1 or 3] of pixels in any form, float32 in [0, 1]; alpha is left out."""
    scale = np.float32(1.0 / max_value(pixels.dtype))
    unit: NDArray[np.float32] = np.multiply(colours_of(pixels), scale, dtype=np.float32)
    return unit


def from_float01(planes: NDArray[np.float32], dtype: np.dtype[Any]) -> Pixels:
    """From float32 [H, W, C] to pixels of that type: clipped to [0, 1], scaled, rounded."""
    planes = np.clip(planes, 0.0, 1.0)
    if not np.issubdtype(dtype, np.integer):
        return planes.astype(dtype, copy=False)
    planes *= np.float32(max_value(dtype))
    return np.rint(planes, out=planes).astype(dtype)


def image_tensor(pixels: Pixels, channels: Channels, multiple: int) -> Tensor:
    """From pixels in any form to RGB float32 [1, 3, H', W'] in [0, 1], mirrored at its end.

    H' and W' are the next multiples of ``multiple``. Grey becomes three equal channels.
    """
    colours = _padded(colours_of(pixels), multiple)[..., :: 1 if channels == "rgb" else -1]
    tensor = np.empty((1, 3, *colours.shape[:2]), np.float32)
    scale = np.float32(1.0 / max_value(pixels.dtype))
    for index, plane in enumerate(tensor[0]):
        np.multiply(colours[..., index % colours.shape[2]], scale, out=plane, casting="same_kind")
    return tensor


def mask_tensor(mask: Mask, multiple: int) -> Tensor:
    """From uint8 [H, W] to float32 [1, 1, H', W'], 1 where to restore, mirrored as the image is."""
    tensor: Tensor = np.multiply(_padded(mask, multiple), np.float32(1 / 255))[None, None]
    return tensor


def to_hwc(
    output: Tensor, channels: Channels, height: int, width: int, count: int
) -> NDArray[np.float32]:
    """From one picture's float32 [3, H', W'] to colours float32 [height, width, count].

    count: 3 for colours in the order ``channels``, 1 for grey.

    Raises:
        ModelError: the tensor is not finite.
    """
    planes = output[:, :height, :width]
    if count == 1:
        hwc = np.tensordot(LUMA, planes, axes=1)[..., None]
    else:
        hwc = cv2.merge(list(planes if channels == "rgb" else planes[::-1]))
    require_finite(hwc)
    return hwc.astype(np.float32, copy=False)


def to_colours(output: Tensor, channels: Channels, count: int) -> NDArray[np.float32]:
    """From a network's pixels, float32 [K, 3] RGB, to colours [K, count] as :func:`to_hwc` does."""
    require_finite(output)
    if count == 1:
        grey: NDArray[np.float32] = (output @ LUMA)[:, None]
        return grey
    return output if channels == "rgb" else output[:, ::-1]


def require_finite(output: NDArray[np.generic]) -> None:
    """Raises ``ModelError`` if a network's output has a NaN or an infinity."""
    if not np.isfinite(output.sum()):
        raise ModelError("the model's output is not finite; its file or its precision is at fault")


def _padded(array: NDArray[Any], multiple: int) -> NDArray[Any]:
    """An array [H, W, ...] mirrored at its end, up to multiples; itself where it has them."""
    room = [(0, -size % multiple) for size in array.shape[:2]] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, room, mode="symmetric") if any(end for _, end in room) else array
