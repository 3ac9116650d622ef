"""Pictures in every form that callers give them in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from inpaint_sdk.errors import ImageError
from inpaint_sdk.images.decoding import decode, is_pil, pil_pixels, warn
from inpaint_sdk.images.image import Channels, Image, Pixels, check_array
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask
from inpaint_sdk.images.metadata import EXIF, upright_exif, upright_xmp

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
        return _open_file(Path(image))
    if is_pil(image):
        return _open_pil(image)  # type: ignore[arg-type]
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


def _open_file(path: Path) -> Image:
    pixels, metadata, _ = decode(path, salvage=True)
    if pixels.dtype != np.uint8 and (pixels.ndim == 3 or pixels.dtype != np.uint16):
        raise ImageError(
            f"{path} has 16 bits a channel or floats, which a PIL image cannot hold; restore it "
            "from file to file, with restore_file, or read it with OpenCV and give the array"
        )
    exif = EXIF + metadata.exif if metadata.exif else b""
    info = {"icc_profile": metadata.icc, "exif": exif, "xmp": metadata.xmp, "dpi": metadata.dpi}
    return _for_pil(pixels, info, metadata.converted, str(path))


def _open_pil(picture: PILImage.Image) -> Image:
    """A PIL image, whose orientation is applied and taken out of its EXIF and XMP."""
    pixels, converted, turn = pil_pixels(picture, "the image", ImageError)
    info = dict(picture.info)
    for key, upright in (("exif", upright_exif), ("xmp", upright_xmp)):
        if turn > 1 and isinstance(info.get(key), bytes):
            prefix = EXIF if info[key].startswith(EXIF) else b""
            info[key] = prefix + upright(info[key][len(prefix) :])[0]
    if converted:
        info.pop("transparency", None)
    return _for_pil(pixels, info, converted, "the image")


def _for_pil(pixels: Pixels, info: dict[Any, Any], converted: str, name: str) -> Image:
    if converted:
        warn(f"{name} has {converted}; the result has plain colours or grey")

    def to_pil(result: Pixels) -> PILImage.Image:
        from PIL import Image as PILImage

        restored = PILImage.fromarray(result)
        restored.info = {key: value for key, value in info.items() if value}
        return restored

    return Image(pixels, "rgb", to_pil)
