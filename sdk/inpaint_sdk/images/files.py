"""Pictures in every form that callers give them in, and written as files with all they carry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from inpaint_sdk.errors import ImageError, OutputError
from inpaint_sdk.files import image_format, write_whole, writing
from inpaint_sdk.images.decoding import NO_PIL, ImageFile, read_image_file
from inpaint_sdk.images.ifd import write_tiff
from inpaint_sdk.images.image import Channels, Image, Pixels, check_array, has_alpha
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask
from inpaint_sdk.images.metadata import KEPT, PIL_TEXTS, segments, warn_of_loss, with_png_parts

if TYPE_CHECKING:
    from PIL import Image as PILImage

ImageLike: TypeAlias = "Pixels | PILImage.Image | str | os.PathLike[str] | bytes | Image"
ImageAndMask: TypeAlias = "ImageLike | tuple[ImageLike, MaskLike | None]"

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}
"""What each lossy format is written with: close to what was restored, or exactly it."""

LARGEST = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels of a side that PIL's encoders take."""


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
        image = Image(image, channels)
    if isinstance(image, Image):
        check_array(image.pixels)
        return image
    if isinstance(image, (bytes, bytearray, memoryview)):
        return open_image_bytes(bytes(image))
    file = read_image_file(image)
    name = str(image) if isinstance(image, (str, os.PathLike)) else "the image"
    dtype, is_grey = file.pixels.dtype, file.pixels.ndim == 2
    if dtype != np.uint8 and not (is_grey and dtype == np.uint16):
        raise ImageError(f"{name} has 16 bits a channel or floats, {NO_PIL}")
    info = {k: v for k, v in getattr(image, "info", {}).items() if k not in PIL_TEXTS}
    if has_alpha(file.pixels):  # which a transparent colour became
        info.pop("transparency", None)
    info |= file.metadata.pil_info()

    def to_pil(result: Pixels) -> PILImage.Image:
        from PIL import Image as PILImage

        warn_of_loss(name, (lost for lost in file.metadata.dropped if lost not in info))
        restored = PILImage.fromarray(result)
        restored.info = dict(info)
        return restored

    return Image(file.pixels, "rgb", to_pil)


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


def open_image_file(path: Path, output: Path, page: int | None = None) -> Image:
    """A picture to restore into a file: it gives an ``ImageFile`` that can be written there.

    Raises ``ImageError`` as :func:`read_image_file`, ``OutputError`` for what cannot be held there.
    """
    file = read_image_file(path, page=page)
    check_format_supports(image_format(output), file, str(output))
    return Image(file.pixels, "rgb", file.with_pixels)


def open_image_bytes(data: bytes, kind: str | None = None, page: int | None = None) -> Image:
    """A picture file's bytes, for which those of a file come back.

    kind: the result's format, as PIL calls it; None for the same. page: of a TIFF with several.
    Raises as :func:`open_image_file`.
    """
    file = read_image_file(data, page=page)
    if kind is not None:
        check_format_supports(kind, file, "the result")
    return Image(file.pixels, "rgb", lambda pixels: encode_image(file.with_pixels(pixels), kind))


def write_image_file(path: Path, picture: ImageFile) -> None:
    """Writes a picture in the format of the path's suffix; it appears whole or not at all.

    What the format cannot hold beside pixels is left out, with a ``MetadataWarning``.

    Raises:
        OutputError: the suffix is unknown, the format cannot hold the picture, or the folder cannot
            be written in. Whatever was at ``path`` is then still there.
    """
    write_whole(encode_image(picture, image_format(path), str(path)), path)


def check_format_supports(kind: str, picture: ImageFile, name: str) -> None:
    """Raises ``OutputError`` if a format cannot hold a picture; ``name`` is the file's."""
    pixels, side, metadata = picture.pixels, LARGEST.get(kind, 1 << 31), picture.metadata
    alpha, deep = has_alpha(pixels), pixels.dtype != np.uint8
    long = max(len(metadata.exif), len(metadata.xmp)) > 65_500
    problems = (
        (kind not in KEPT, "files are not written; write a PNG, JPEG, WebP, TIFF or BMP file"),
        (alpha and kind in ("JPEG", "BMP"), "has no alpha channel; write a PNG, TIFF or WebP file"),
        (deep and kind not in ("PNG", "TIFF"), "has 8 bits a channel; write a PNG or TIFF file"),
        (pixels.dtype.kind == "f" and kind != "TIFF", "cannot hold floats; write a TIFF file"),
        (max(pixels.shape) > side, f"has at most {side} pixels a side; write a PNG or TIFF file"),
        (pixels.nbytes > 4_000_000_000 and kind == "TIFF", "has at most 4 GB; write a PNG file"),
        (long and kind == "JPEG", "has 64 KB for EXIF or XMP; write a PNG, TIFF or WebP file"),
    )
    for found, problem in problems:
        if found:
            raise OutputError(f"{name}: {kind} {problem}")


def encode_image(picture: ImageFile, kind: str | None = None, name: str = "the result") -> bytes:
    """The bytes of a file in a format, the picture's own if it is None.

    Raises as :func:`write_image_file`.
    """
    from PIL import Image as PILImage

    kind = kind or picture.format
    pixels, metadata, same = picture.pixels, picture.metadata, kind == picture.format
    check_format_supports(kind, picture, name)
    if same and picture.source is not None:
        return picture.source
    is_grey = kind == "PNG" and pixels.dtype == np.uint16 and pixels.shape[2:] == (2,)
    warn_of_loss(name, [*metadata.lost_in(kind, same=same), *["grey form"] * is_grey])
    parts = metadata.parts if same else ()
    with writing(Path(name)):
        if kind == "TIFF":
            return write_tiff(pixels, metadata.for_tiff())
        if kind == "PNG" and pixels.dtype != np.uint8:
            data = _encode_deep_png(pixels)
        else:
            options = {**OPTIONS.get(kind, {}), **({} if kind == "PNG" else metadata.pil_info())}
            if kind == "JPEG":
                options["extra"] = segments(parts)
            PILImage.fromarray(pixels).save(file := BytesIO(), format=kind, **options)
            data = file.getvalue()
        return with_png_parts(data, [*parts, *metadata.for_png()]) if kind == "PNG" else data


def _encode_deep_png(pixels: Pixels) -> bytes:
    """By OpenCV, since PIL has no colours of 16 bits; grey with alpha becomes colours with it."""
    import cv2

    count = pixels.shape[2] if pixels.ndim == 3 else 1
    order = {2: (0, 0, 0, 1), 3: (2, 1, 0), 4: (2, 1, 0, 3)}.get(count)
    done, data = cv2.imencode(".png", pixels[..., order] if order else pixels)
    if not done:
        raise ValueError("OpenCV cannot encode it")
    return data.tobytes()
