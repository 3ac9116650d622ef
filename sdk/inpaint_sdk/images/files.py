"""Image files, read and written with all that they carry.

PIL reads and writes pictures of 8 bits a channel. It has no pictures of more than one channel of 16
bits, so OpenCV reads those, and they are written by :mod:`inpaint_sdk.images.png16` and tifffile.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from inpaint_sdk.errors import ImageError, InpaintError, OutputError
from inpaint_sdk.files import atomic_write, image_format, writing
from inpaint_sdk.images.image import Image, Pixels
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
from inpaint_sdk.images.pil import (
    MODES,
    Source,
    apply_exif_orientation,
    check_pixel_limit,
    is_16bit,
    name_of,
    opened_pil,
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
    a TIFF. format: as PIL calls it, or "" for what was made in memory. source: the file that it
    is from, as long as the pixels are that file's.
    """

    pixels: Pixels
    metadata: Metadata
    format: str = ""
    source: Source | None = None


def read_image_file(source: Source) -> ImageFile:
    """Reads a file whole: 8 or 16 bits, or floats from 0 to 1.

    Raises:
        ImageError: the file is missing, damaged, of a kind that cannot be restored, or so large
            that it may be meant to exhaust memory (more than twice ``PIL.Image.MAX_IMAGE_PIXELS``,
            which can be raised). Nothing is decoded then.
    """
    if _is_tiff(source):
        deep = _read_deep_tiff(source)
        if deep is not None:
            return deep
    with opened_pil(source, ImageError) as picture:
        # Before pixels are read, which empties the tiles that tell of their form.
        sixteen_bits, grey_alpha = is_16bit(picture), "LA;16" in str(getattr(picture, "tile", ""))
        # A phone's JPEG with a second picture, like a map of depths: the first is what is shown.
        kind = "JPEG" if picture.format == "MPO" else picture.format or ""
        if sixteen_bits:
            picture.load()  # OpenCV does not say so when a file is cut short
            pixels = _decode(source)
            if grey_alpha:  # of which OpenCV makes colours
                pixels = pixels[..., (0, 3)]
            turn = picture.getexif().get(ORIENTATION, 1)
            return ImageFile(orient_array(pixels, turn), read_metadata(picture), kind)
        if picture.mode not in MODES:
            raise ImageError(
                f"{name_of(source)} has mode {picture.mode}; only {', '.join(MODES)} can be "
                "restored. Convert it to colours or grey first"
            )
        picture.load()
        pixels = np.asarray(apply_exif_orientation(picture, name_of(source), ImageError))
        return ImageFile(pixels, read_metadata(picture), kind)


def open_image_file(path: Path, output: Path) -> Image:
    """A picture that is to be restored into a file, which gives an ``ImageFile`` to write there.

    Raises:
        ImageError: as :func:`read_image_file` raises it.
        OutputError: the output's format cannot hold such pixels.
    """
    file = read_image_file(path)
    check_format_supports(image_format(output), file.pixels, str(output))
    return Image(file.pixels, "rgb", partial(_with_pixels, replace(file, source=path)))


def open_image_bytes(data: bytes) -> Image:
    """A picture file's bytes, for which those of a file of the same format come back.

    Raises:
        ImageError: as :func:`read_image_file` raises it.
    """
    file = replace(read_image_file(data), source=data)
    return Image(file.pixels, "rgb", lambda pixels: encode_image(_with_pixels(file, pixels)))


def _with_pixels(file: ImageFile, pixels: Pixels) -> ImageFile:
    """The file with what was made of its pixels; what is unchanged is not encoded again."""
    source = file.source if np.array_equal(pixels, file.pixels) else None
    return replace(file, pixels=pixels, source=source)


def write_image_file(path: Path, picture: ImageFile) -> None:
    """Writes a picture in the format of the path's suffix; it appears whole or not at all.

    Metadata that the format cannot hold is left out, with a ``MetadataWarning``.

    Raises:
        OutputError: the suffix is unknown, the format cannot hold the pixels, or the folder cannot
            be written in. Whatever was at ``path`` is then still there.
    """
    kind = image_format(path)
    check_format_supports(kind, picture.pixels, str(path))
    with atomic_write(path) as partial, writing(path), partial.open("wb") as file:
        if kind == picture.format and isinstance(picture.source, Path):
            file.write(picture.source.read_bytes())
        else:
            _encode(file, picture, kind, str(path))


def encode_image(picture: ImageFile) -> bytes:
    """The bytes of a file in the picture's own format; raises as :func:`write_image_file`."""
    if isinstance(picture.source, bytes):
        return picture.source
    kind = picture.format
    check_format_supports(kind, picture.pixels, "the result")
    buffer = BytesIO()
    try:
        _encode(buffer, picture, kind, "the result")
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write the result as {kind}: {error}") from error
    return buffer.getvalue()


def _encode(file: BinaryIO, picture: ImageFile, kind: str, name: str) -> None:
    pixels, metadata = picture.pixels, picture.metadata
    deep = pixels.dtype != np.uint8
    lost = metadata.lost_in(kind, deep=deep)
    if lost:
        warnings.warn(
            f"{name}: {kind} files cannot hold the source's {', '.join(lost)}",
            MetadataWarning,
            stacklevel=3,
        )
    if deep and kind == "PNG":
        write_png16(file, pixels, metadata)
    elif deep:
        _write_deep_tiff(file, pixels, metadata)
    else:
        from PIL import Image as PILImage

        options = {**QUALITY.get(kind, {}), **save_options(metadata, kind)}
        PILImage.fromarray(pixels).save(file, format=kind, **options)


def check_format_supports(kind: str, pixels: Pixels, name: str) -> None:
    """Raises ``OutputError`` if a format cannot hold such pixels; ``name`` is the file's."""
    if kind not in KEPT:
        raise OutputError(
            f"{name}: {kind} files are not written; write a PNG, JPEG, WebP, TIFF or BMP file"
        )
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4) and kind in WITHOUT_ALPHA:
        raise OutputError(f"{name}: {kind} has no alpha channel; write a PNG, TIFF or WebP file")
    if pixels.dtype != np.uint8 and kind not in DEEP:
        raise OutputError(f"{name}: {kind} has 8 bits a channel; write a PNG or TIFF file")
    if pixels.dtype.kind == "f" and kind != "TIFF":
        raise OutputError(f"{name}: {kind} cannot hold floats; write a TIFF file")


def orient_array(pixels: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _is_tiff(source: Source) -> bool:
    if isinstance(source, Path):
        return source.suffix.lower() in (".tif", ".tiff")
    return source[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _decode(source: Source) -> Pixels:
    """Reads 16 bits or floats by OpenCV; colours in the order RGB."""
    import cv2

    data = source.read_bytes() if isinstance(source, Path) else source
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype == np.uint8:
        raise ImageError(f"cannot read {name_of(source)}, it may be cut short or damaged")
    if pixels.ndim == 3:
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        pixels = cv2.cvtColor(pixels, code)
    return pixels


def _read_deep_tiff(source: Source) -> ImageFile | None:
    """A TIFF of 16 bits or floats; None for any other, and for what is not a TIFF at all."""
    import tifffile

    name = name_of(source)
    try:
        with tifffile.TiffFile(source if isinstance(source, Path) else BytesIO(source)) as file:
            page = file.pages[0]
            if page.dtype is None or page.dtype == np.uint8 or page.dtype == np.bool_:
                return None
            if len(file.pages) > 1:
                raise ImageError(f"{name} holds {len(file.pages)} pictures; give one of them")
            if page.dtype not in (np.uint16, np.float32):
                raise ImageError(f"{name} holds {page.dtype}; convert it to 8 or 16 bits")
            check_pixel_limit(name, page.imagelength, page.imagewidth)
            plain = page.compression in PLAIN_TIFF
            pixels = np.asarray(page.asarray()) if plain else _decode(source)
            tags = page.tags
            turn = tags.valueof(ORIENTATION, 1)
            return ImageFile(orient_array(pixels, turn), _tiff_metadata(tags), "TIFF")
    except (OSError, tifffile.TiffFileError):
        return None  # which PIL will report
    except InpaintError:
        raise
    except Exception as reason:  # damaged files fail anywhere in the decoder
        raise ImageError(
            f"cannot read {name}, it may be cut short or damaged: {reason}"
        ) from reason


def _tiff_metadata(tags: Any) -> Metadata:
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


def _write_deep_tiff(file: BinaryIO, pixels: Pixels, metadata: Metadata) -> None:
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
        file,
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
