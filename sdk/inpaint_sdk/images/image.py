"""A picture in memory: its pixels, the order of its channels, and the type that it came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import ImageError

Pixels: TypeAlias = NDArray[Any]
"""uint8, uint16, float32 or float64: [H, W] grey, or [H, W, C] with C colours and alpha."""

Channels = Literal["bgr", "rgb"]

DTYPES = (np.uint8, np.uint16, np.float32, np.float64)


@dataclass(frozen=True, eq=False)
class Image:
    """A picture's pixels, and the way back to the type that it came in.

    pixels: to be read, not written: it may be the caller's own array. channels: the order of its
    colours. to_original_type: from a result like ``pixels`` to what the caller gave.
    """

    pixels: Pixels
    channels: Channels = "bgr"
    to_original_type: Callable[[Pixels], Any] = np.asarray


def colours_of(pixels: Pixels) -> Pixels:
    """The colours of pixels in any form, a view [H, W, 1 or 3]: all but the alpha."""
    if pixels.ndim == 2:
        return pixels[..., None]
    return pixels[..., :-1] if has_alpha(pixels) else pixels


def has_alpha(pixels: Pixels) -> bool:
    """Whether the last channel of pixels in any form is alpha."""
    return pixels.ndim == 3 and pixels.shape[2] in (2, 4)


def max_value(dtype: np.dtype[Any]) -> float:
    """The value of full brightness in pixels of that type."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def check_array(image: Pixels) -> None:
    """Raises ``ImageError`` for an array that is no picture: its type, shape or values."""
    shape = "x".join(map(str, image.shape)) or "a single number"
    if image.dtype not in DTYPES:
        raise ImageError(
            f"an image array is uint8, uint16, float32 or float64, this one is {image.dtype}"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ImageError(
            f"an image array is HxW, or HxWxC with 1 to 4 channels, this one is {shape}"
        )
    if 0 in image.shape:
        raise ImageError(f"the image is empty: its shape is {shape}")
    if image.dtype.kind == "f":
        check_floats(image)


def check_floats(image: Pixels) -> None:
    """Raises ``ImageError`` if floats are not all from 0 to 1."""
    low, high = float(image.min()), float(image.max())  # either is NaN if there is one
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(
            "the image has values that are not finite; set them to 0 and mark them in the mask"
        )
    if low < 0.0 or high > 1.0:
        told = f"these are from {low:g} to {high:g}"
        raise ImageError(f"a float image's values are from 0 to 1, {told}")
