"""Image files, read and written with all that they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_sdk.errors import OutputError
from inpaint_sdk.files import atomic_write, image_format, writing
from inpaint_sdk.images.containers import segments, with_png_parts
from inpaint_sdk.images.decoding import ImageFile, read_image_file, warn
from inpaint_sdk.images.ifd import write_tiff
from inpaint_sdk.images.image import Image, Pixels
from inpaint_sdk.images.metadata import KEPT, parts_for_png, tags_for_tiff

JPEG = {"quality": 95, "subsampling": 0}
OPTIONS: Mapping[str, Mapping[str, Any]] = {"JPEG": JPEG, "WEBP": {"lossless": True, "exact": True}}
"""What each lossy format is written with: close to what was restored, or exactly it."""

LARGEST = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels of a side that PIL's encoders take."""


def open_image_file(path: Path, output: Path, page: int | None = None) -> Image:
    """A picture to restore into a file: it gives an ``ImageFile`` that can be written there.

    Raises ``ImageError`` as :func:`read_image_file`, ``OutputError`` for what cannot be held there.
    """
    file = read_image_file(path, page=page)
    check_format_supports(image_format(output), file, str(output))
    return Image(file.pixels, "rgb", partial(_with_pixels, replace(file, source=path)))


def open_image_bytes(data: bytes, kind: str | None = None, page: int | None = None) -> Image:
    """A picture file's bytes, for which those of a file come back.

    kind: the result's format, as PIL calls it; None for the same. page: of a TIFF with several.
    Raises as :func:`open_image_file`.
    """
    file = replace(read_image_file(data, page=page), source=data)
    if kind is not None:
        check_format_supports(kind, file, "the result")
    return Image(file.pixels, "rgb", lambda pixels: encode_image(_with_pixels(file, pixels), kind))


def _with_pixels(file: ImageFile, pixels: Pixels) -> ImageFile:
    """The file with what was made of its pixels; what is unchanged is not encoded again."""
    source = file.source if np.array_equal(pixels, file.pixels) else None
    return replace(file, pixels=pixels, source=source)


def write_image_file(path: Path, picture: ImageFile) -> None:
    """Writes a picture in the format of the path's suffix; it appears whole or not at all.

    What the format cannot hold beside pixels is left out, with a ``MetadataWarning``.

    Raises:
        OutputError: the suffix is unknown, the format cannot hold the picture, or the folder cannot
            be written in. Whatever was at ``path`` is then still there.
    """
    kind, source = image_format(path), picture.source
    check_format_supports(kind, picture, str(path))
    with atomic_write(path) as partial, writing(path):
        as_it_was = source.read_bytes() if isinstance(source, Path) else b""
        same = as_it_was and kind == picture.format
        partial.write_bytes(as_it_was if same else _encode(picture, kind, str(path)))


def encode_image(picture: ImageFile, kind: str | None = None) -> bytes:
    """The bytes of a file in a format, the picture's own if it is None.

    Raises as :func:`write_image_file`.
    """
    kind = picture.format if kind is None else kind
    if isinstance(picture.source, bytes) and kind == picture.format:
        return picture.source
    check_format_supports(kind, picture, "the result")
    with writing(Path("the result")):
        return _encode(picture, kind, "the result")


def check_format_supports(kind: str, picture: ImageFile, name: str) -> None:
    """Raises ``OutputError`` if a format cannot hold a picture; ``name`` is the file's."""
    pixels, problem = picture.pixels, ""
    if kind not in KEPT:
        problem = f"{kind} files are not written; write a PNG, JPEG, WebP, TIFF or BMP file"
    elif pixels.ndim == 3 and pixels.shape[2] in (2, 4) and kind in ("JPEG", "BMP"):
        problem = f"{kind} has no alpha channel; write a PNG, TIFF or WebP file"
    elif pixels.dtype != np.uint8 and kind not in ("PNG", "TIFF"):
        problem = f"{kind} has 8 bits a channel; write a PNG or TIFF file"
    elif pixels.dtype.kind == "f" and kind != "TIFF":
        problem = f"{kind} cannot hold floats; write a TIFF file"
    elif max(pixels.shape[:2]) > LARGEST.get(kind, 1 << 31):
        problem = f"{kind} has at most {LARGEST[kind]} pixels a side; write a PNG or TIFF file"
    elif kind == "TIFF" and pixels.nbytes > 4_000_000_000:
        problem = "TIFF has at most 4 GB; write a PNG file"
    elif kind == "JPEG" and max(len(picture.metadata.exif), len(picture.metadata.xmp)) > 65_500:
        problem = "JPEG has 64 KB for EXIF or XMP, there is more; write a PNG, TIFF or WebP file"
    if problem:
        raise OutputError(f"{name}: {problem}")


def _encode(picture: ImageFile, kind: str, name: str) -> bytes:
    from PIL import Image as PILImage

    pixels, metadata, same = picture.pixels, picture.metadata, kind == picture.format
    if metadata.converted:
        warn(f"{name}: the source has {metadata.converted}; the result has plain colours or grey")
    if lost := metadata.lost_in(kind, same=same):
        warn(f"{name}: the result lacks the source's {', '.join(lost)}")
    if kind == "TIFF":
        return write_tiff(pixels, tags_for_tiff(metadata))
    options = {**OPTIONS.get(kind, {}), **({} if kind == "PNG" else metadata.pil_info())}
    if kind == "JPEG" and same:
        options["extra"] = segments(metadata.parts)
    if kind == "PNG" and pixels.dtype != np.uint8:
        data = _encode_deep_png(pixels)
    else:
        PILImage.fromarray(pixels).save(buffer := BytesIO(), format=kind, **options)
        data = buffer.getvalue()
    parts = [*(metadata.parts if same else ()), *parts_for_png(metadata)]
    return with_png_parts(data, parts) if kind == "PNG" else data


def _encode_deep_png(pixels: Pixels) -> bytes:
    """By OpenCV, since PIL has no colours of 16 bits; grey with alpha becomes colours with it."""
    import cv2

    count = pixels.shape[2] if pixels.ndim == 3 else 1
    order = {2: (0, 0, 0, 1), 3: (2, 1, 0), 4: (2, 1, 0, 3)}.get(count)
    done, data = cv2.imencode(".png", pixels[..., order] if order else pixels)
    if not done:
        raise ValueError("OpenCV cannot encode it")
    return data.tobytes()
