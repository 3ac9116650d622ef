"""Masks as they come in: nonzero means "restore this"."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import MaskError
from inpaint_sdk.images.decoding import read_image_file
from inpaint_sdk.images.image import Pixels, colours_of, has_alpha, max_value

if TYPE_CHECKING:
    from PIL import Image as PILImage

Mask: TypeAlias = NDArray[np.uint8]
"""uint8 [H, W], 255 where the picture is to be restored, else 0."""

MaskLike: TypeAlias = (
    "NDArray[np.uint8] | NDArray[np.bool_] | PILImage.Image | str | os.PathLike[str] | bytes"
)


def open_mask(mask: MaskLike, height: int | None = None, width: int | None = None) -> Mask:
    """Takes a mask in any of the accepted forms; returns uint8 [H, W], 255 where to restore.

    height, width: that it must have; None for any.

    An array is bool or uint8, [H, W] or [H, W, 1]; a PIL image or a picture file counts as
    nonzero where any of its colours is, so black on white files must be inverted first.

    Raises:
        MaskError: it is none of these, its size differs from the image's, or the file is missing,
            unreadable or cut short.
    """
    if isinstance(mask, np.ndarray):
        found = _from_array(mask)
    else:
        name = str(mask) if isinstance(mask, (str, os.PathLike)) else "the mask"
        found = _from_pixels(read_image_file(mask, MaskError).pixels, name)
    if height is not None and found.shape != (height, width):
        raise MaskError(
            f"the mask is {found.shape[1]}x{found.shape[0]}, the image is {width}x{height} "
            "(width x height); they must be of one size"
        )
    import cv2

    # As fast as the mask can be read, which counts where little of a large picture is damaged.
    return cv2.threshold(found, 0, 255, cv2.THRESH_BINARY)[1].astype(np.uint8, copy=False)


def masked_fraction(mask: Mask) -> float:
    """Share of the pixels that are nonzero, from 0 to 1."""
    return float(np.count_nonzero(mask)) / mask.size


def _from_array(mask: NDArray[np.generic]) -> NDArray[np.uint8]:
    if mask.dtype not in (np.uint8, np.bool_):
        raise MaskError(f"a mask array is bool or uint8, this one is {mask.dtype}; try mask > 0")
    if mask.ndim == 3 and mask.shape[2] == 1:
        mask = mask[..., 0]
    if mask.ndim != 2:
        shape = "x".join(map(str, mask.shape))
        remedy = "read it with cv2.IMREAD_GRAYSCALE, or take mask.max(axis=2)"
        raise MaskError(f"a mask array is HxW or HxWx1, this one is {shape}; {remedy}")
    if not mask.size:
        raise MaskError(f"the mask is {mask.shape[1]}x{mask.shape[0]}: it has no pixels")
    return np.ascontiguousarray(mask).view(np.uint8)


def _from_pixels(pixels: Pixels, name: str) -> NDArray[np.uint8]:
    """Of a picture: what is not black. An alpha that is opaque says nothing."""
    if has_alpha(pixels) and pixels[..., -1].min() < max_value(pixels.dtype):
        raise MaskError(
            f"{name} has an alpha channel, so it is unclear what marks the damage; "
            "save it as a grey picture, white where the image is to be restored"
        )
    first, *others = np.moveaxis(colours_of(pixels), 2, 0)
    marked: NDArray[np.bool_] = first != 0
    for plane in others:  # one by one, which takes a third of the memory
        marked |= plane != 0
    return marked.view(np.uint8)
