"""Image files, read and written with all that they carry.

PIL reads and writes pictures of 8 bits a channel. It has no pictures of more than one channel of 16
bits, so OpenCV reads those, and they are written by :mod:`inpaint_sdk.images.png16` and tifffile.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_sdk.errors import ImageError, OutputError
from inpaint_sdk.files import image_format, replacing
from inpaint_sdk.images.image import MODES, Pixels, is_16bit, opened_pil, check_pixel_limit, upright
from inpaint_sdk.images.metadata import (
    DESCRIPTIVE,
    ICC_TAG,
    IPTC_TAG,
    KEPT,
    ORIENTATION,
    XMP_TAG,
    Metadata,
    MetadataWarning,
    read_metadata,
    save_options,
)
from inpaint_sdk.images.png16 import write_png16

QUALITY: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}
"""What each lossy format is written with: close to what was restored, or exactly it."""

WITHOUT_ALPHA = ("JPEG", "BMP")
DEEP = ("PNG", "TIFF")
"""Formats that can hold 16 bits a channel."""

PLAIN_TIFF = (1, 8, 32946)
"""TIFF compressions that tifffile reads by itself: none, and two numbers for deflate."""


@dataclass(frozen=True)
class ImageFile:
    """What a file holds.

    pixels: [H, W] or [H, W, C], colours in the order RGB, upright; uint8 or uint16, or float32 from
    a TIFF.
    """

    pixels: Pixels
    metadata: Metadata


def read_image_file(path: Path) -> ImageFile:
    """Reads a file whole: 8 or 16 bits, or floats from 0 to 1.

    Raises:
        ImageError: the file is missing, damaged, of a kind that cannot be restored, or so large
            that it may be meant to exhaust memory (more than twice ``PIL.Image.MAX_IMAGE_PIXELS``,
            which can be raised). Nothing is decoded then.
    """
    if path.suffix.lower() in (".tif", ".tiff"):
        deep = _read_deep_tiff(path)
        if deep is not None:
            return deep
    with opened_pil(path, ImageError) as picture:
        # Before pixels are read, which empties the tiles that tell of their form.
        sixteen_bits, grey_alpha = is_16bit(picture), "LA;16" in str(getattr(picture, "tile", ""))
        if sixteen_bits:
            picture.load()  # OpenCV does not say so when a file is cut short
            pixels = _decode(path)
            if grey_alpha:  # of which OpenCV makes colours
                pixels = pixels[..., (0, 3)]
            turn = picture.getexif().get(ORIENTATION, 1)
            return ImageFile(orient_array(pixels, turn), read_metadata(picture))
        if picture.mode not in MODES:
            raise ImageError(
                f"{path} has mode {picture.mode}; only {', '.join(MODES)} can be restored. "
                "Convert it to colours or grey first"
            )
        picture.load()
        pixels = np.asarray(upright(picture, str(path), ImageError))
        return ImageFile(pixels, read_metadata(picture))


def write_image_file(path: Path, picture: ImageFile) -> None:
    """Writes a picture in the format of the path's suffix; it appears whole or not at all.

    Metadata that the format cannot hold is left out, with a ``MetadataWarning``.

    Raises:
        OutputError: the suffix is unknown, the format cannot hold the pixels, or the folder cannot
            be written in. Whatever was at ``path`` is then still there.
    """
    kind = image_format(path)
    pixels, metadata = picture.pixels, picture.metadata
    deep = pixels.dtype != np.uint8
    check_format_supports(path, pixels)
    lost = metadata.lost_in(kind, deep=deep) if kind in KEPT else ["metadata"]
    if lost and metadata != Metadata():
        warnings.warn(
            f"{path}: {kind} files cannot hold the source's {', '.join(lost)}",
            MetadataWarning,
            stacklevel=2,
        )
    with atomic_write(path) as partial:
        if deep and kind == "PNG":
            write_png16(partial, pixels, metadata)
        elif deep:
            _write_deep_tiff(partial, pixels, metadata)
        else:
            from PIL import Image

            options = {**QUALITY.get(kind, {}), **save_options(metadata, kind)}
            Image.fromarray(pixels).save(partial, format=kind, **options)


def check_format_supports(path: Path, pixels: Pixels) -> None:
    """Raises ``OutputError`` if the format of a path cannot hold pixels of that form."""
    kind = image_format(path)
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4) and kind in WITHOUT_ALPHA:
        raise OutputError(f"{path}: {kind} has no alpha channel; write a PNG, TIFF or WebP file")
    if pixels.dtype != np.uint8 and kind not in DEEP:
        raise OutputError(f"{path}: {kind} has 8 bits a channel; write a PNG or TIFF file")
    if pixels.dtype.kind == "f" and kind != "TIFF":
        raise OutputError(f"{path}: {kind} cannot hold floats; write a TIFF file")


def orient_array(pixels: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _decode(path: Path) -> Pixels:
    """Reads 16 bits or floats by OpenCV; colours in the order RGB."""
    import cv2

    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype == np.uint8:
        raise ImageError(f"cannot read {path}, it may be cut short or damaged")
    if pixels.ndim == 3:
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        pixels = cv2.cvtColor(pixels, code)
    return pixels


def _read_deep_tiff(path: Path) -> ImageFile | None:
    """A TIFF of 16 bits or floats; None for any other, and for what is not a TIFF at all."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            if page.dtype is None or page.dtype == np.uint8 or page.dtype == np.bool_:
                return None
            if len(file.pages) > 1:
                raise ImageError(f"{path} holds {len(file.pages)} pictures; give one of them")
            if page.dtype not in (np.uint16, np.float32):
                raise ImageError(f"{path} holds {page.dtype}; convert it to 8 or 16 bits")
            check_pixel_limit(path, page.imagelength, page.imagewidth)
            plain = page.compression in PLAIN_TIFF
            pixels = np.asarray(page.asarray()) if plain else _decode(path)
            tags = page.tags
            turn = tags.valueof(ORIENTATION, 1)
            return ImageFile(orient_array(pixels, turn), _tiff_metadata(path, tags))
    except (OSError, tifffile.TiffFileError):
        return None  # which PIL will report
    except (ValueError, RuntimeError, zlib.error) as reason:
        raise ImageError(
            f"cannot read {path}, it may be cut short or damaged: {reason}"
        ) from reason


def _tiff_metadata(path: Path, tags: Any) -> Metadata:
    """PIL refuses some of these files, so this reads tags by tifffile."""
    from PIL import Image

    exif = Image.Exif()
    for tag in DESCRIPTIVE:
        value = tags.valueof(tag)
        if value:
            exif[tag] = value
    return Metadata(
        icc=tags.valueof(ICC_TAG, b""),
        exif=exif.tobytes() if len(exif) else b"",
        xmp=_as_bytes(tags.valueof(XMP_TAG, b"")),
        iptc=_as_bytes(tags.valueof(IPTC_TAG, b"")),
        dpi=_tiff_dpi(tags),
    )


def _tiff_dpi(tags: Any) -> tuple[float, float] | None:
    across, down, unit = (tags.valueof(tag) for tag in (282, 283, 296))
    if not across or not down or unit not in (2, 3):  # inches, centimetres
        return None
    scale = 1.0 if unit == 2 else 2.54
    return scale * across[0] / across[1], scale * down[0] / down[1]


def _write_deep_tiff(path: Path, pixels: Pixels, metadata: Metadata) -> None:
    import tifffile
    from PIL import Image

    exif = Image.Exif()
    if metadata.exif:
        exif.load(metadata.exif)
    tags: list[tuple[Any, ...]] = [
        (tag, "s", 0, str(exif[tag]), True) for tag in DESCRIPTIVE if tag in exif
    ]
    for tag, data in ((XMP_TAG, metadata.xmp), (IPTC_TAG, metadata.iptc)):
        if data:
            tags.append((tag, "B", len(data), data, True))
    count = 1 if pixels.ndim == 2 else pixels.shape[2]
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb" if count >= 3 else "minisblack",
        extrasamples=["unassalpha"] if count in (2, 4) else None,
        planarconfig="contig" if count > 1 else None,
        compression="zlib",
        iccprofile=metadata.icc or None,
        resolution=metadata.dpi,
        resolutionunit="INCH" if metadata.dpi else None,
        extratags=tags,
        metadata=None,
        software=False,
    )


def _as_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
