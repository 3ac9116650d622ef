"""Pictures in every form that callers give them in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from inpaint_sdk.errors import ImageError
from inpaint_sdk.images.image import Channels, Image, Pixels, check_array
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask
from inpaint_sdk.images.pil import MODES, apply_exif_orientation, is_pil, read_pil

if TYPE_CHECKING:
    from PIL import Image as PILImage

ImageLike: TypeAlias = "Pixels | PILImage.Image | str | os.PathLike[str] | bytes | Image"
ImageAndMask: TypeAlias = "ImageLike | tuple[ImageLike, MaskLike | None]"


def open_image(image: ImageLike, channels: Channels) -> Image:
    """Takes a picture in any of the accepted forms.

    An array is [H, W] or [H, W, C]: 1 or 3 channels of colour in the order ``channels``, or 2 or 4
    with alpha; of uint8, uint16, or a float type from 0 to 1. A PIL image is of mode RGB, RGBA, L,
    LA or I;16; a path is read as a PIL image, and a PIL image is what comes back for it. Bytes are
    those of a picture file, and those of a file of the same format come back. An ``Image`` says its
    own order of channels.

    Raises:
        ImageError: it is none of these, or the file is missing, unreadable or cut short.
    """
    if isinstance(image, np.ndarray):
        check_array(image)
        return Image(image, channels)
    if isinstance(image, Image):
        check_array(image.pixels)
        return image
    if isinstance(image, (str, os.PathLike)):
        return _open_pil(read_pil(Path(image), ImageError), str(image))
    if is_pil(image):
        return _open_pil(apply_exif_orientation(image, "the image", ImageError), "the image")  # type: ignore[arg-type]
    if isinstance(image, (bytes, bytearray, memoryview)):
        from inpaint_sdk.images.files import open_image_bytes

        return open_image_bytes(bytes(image))
    raise ImageError(
        f"an image is a numpy array, a PIL image, a path or bytes, not {type(image).__name__}"
    )


def open_pair(item: ImageAndMask, channels: Channels) -> tuple[Image, Mask | None]:
    """Takes an image, or a pair of an image and its mask, in the accepted forms.

    Raises:
        ImageError, MaskError: one of them cannot be used, or they do not fit.
    """
    pair = item if isinstance(item, tuple) else (item, None)
    if len(pair) != 2:
        raise ImageError(f"an item is an image, or an image and its mask; not {len(pair)} things")
    image, mask = open_image(pair[0], channels), pair[1]
    return image, None if mask is None else open_mask(mask, *image.pixels.shape[:2])


def _open_pil(picture: PILImage.Image, name: str) -> Image:
    from PIL import Image as PILImage

    if picture.mode not in MODES:
        raise ImageError(
            f"{name} has mode {picture.mode}; only {', '.join(MODES)} can be restored. "
            'Convert it first: image.convert("RGB")'
        )
    if 0 in picture.size:
        raise ImageError(f"{name} is empty: its size is {picture.width}x{picture.height}")

    def to_pil(result: Pixels) -> PILImage.Image:
        restored = PILImage.fromarray(result)
        restored.info = dict(picture.info)  # colour profile, resolution, EXIF
        return restored

    return Image(np.asarray(picture), "rgb", to_pil)
