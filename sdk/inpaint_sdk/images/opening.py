"""Pictures in every form that callers give them in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from inpaint_sdk.errors import ImageError
from inpaint_sdk.images.decoding import read_image_file, warn
from inpaint_sdk.images.image import Channels, Image, Pixels, check_array
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask
from inpaint_sdk.images.metadata import PIL_TEXTS

if TYPE_CHECKING:
    from PIL import Image as PILImage

ImageLike: TypeAlias = "Pixels | PILImage.Image | str | os.PathLike[str] | bytes | Image"
ImageAndMask: TypeAlias = "ImageLike | tuple[ImageLike, MaskLike | None]"


def open_image(image: ImageLike, channels: Channels) -> Image:
    """Takes a picture in any of the accepted forms.

    An array is [H, W] or [H, W, C]: 1 or 3 channels of colour in the order ``channels``, or 2 or 4
    with alpha; of uint8, uint16, or a float type from 0 to 1. For a PIL image and for a path a PIL
    image comes back; for a picture file's bytes those of a file of the same format. An ``Image``
    says its own order of channels.

    Raises:
        ImageError: it is none of these, or the file is missing, unreadable or cut short.
    """
    if isinstance(image, np.ndarray):
        check_array(image)
        return Image(image, channels)
    if isinstance(image, Image):
        check_array(image.pixels)
        return image
    if isinstance(image, (bytes, bytearray, memoryview)):
        from inpaint_sdk.images.files import open_image_bytes

        return open_image_bytes(bytes(image))
    return _open_for_pil(image)


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


def _open_for_pil(image: PILImage.Image | str | os.PathLike[str]) -> Image:
    """A picture for which a PIL image comes back."""
    file = read_image_file(image)
    pixels, metadata = file.pixels, file.metadata
    name = str(image) if isinstance(image, (str, os.PathLike)) else "the image"
    if pixels.dtype != np.uint8 and (pixels.ndim == 3 or pixels.dtype != np.uint16):
        raise ImageError(
            f"{name} has 16 bits a channel or floats, which a PIL image cannot hold; restore it "
            "from file to file, with restore_file, or read it with OpenCV and give the array"
        )
    info = {k: v for k, v in getattr(image, "info", {}).items() if k not in PIL_TEXTS}
    if metadata.converted:
        warn(f"{name} has {metadata.converted}; the result has plain colours or grey")
        info.pop("transparency", None)
    info |= metadata.pil_info()

    def to_pil(result: Pixels) -> PILImage.Image:
        from PIL import Image as PILImage

        restored = PILImage.fromarray(result)
        restored.info = dict(info)
        return restored

    return Image(pixels, "rgb", to_pil)
