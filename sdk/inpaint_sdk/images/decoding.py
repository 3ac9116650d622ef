"""Picture files become pixels: upright, in plain colours or grey, of 8 or 16 bits or floats.

libvips reads JPEG, PNG and TIFF, whatever form their pixels have; PIL reads the other formats.
libvips is only asked for regions, which it computes in the thread that asks: its pool of threads
does not survive a fork.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from inpaint_sdk.errors import ImageError, InpaintError
from inpaint_sdk.images.ifd import Directory, read_directories
from inpaint_sdk.images.image import Pixels, check_floats
from inpaint_sdk.images.metadata import FURTHER, Metadata, MetadataWarning, read_metadata

if TYPE_CHECKING:
    import pyvips
    from PIL import Image as PILImage

Source: TypeAlias = "Path | bytes"
"""A picture file: where it is, or what it holds."""

STARTS = {b"\xff\xd8\xff": "JPEG", b"\x89PN": "PNG"}
STARTS |= dict.fromkeys((b"II*", b"MM\0", b"II+"), "TIFF")
"""Formats that libvips reads, by how their files begin."""

RAW = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw")
MODES = ("RGB", "RGBA", "L", "LA", "I;16")
TYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32, "double": np.float64}
STRIP_BYTES = 8 << 20
LEAST = 0.25
"""Share of a JPEG's rows of which something must be there."""


def decode(
    source: Source,
    error: type[InpaintError] = ImageError,
    *,
    page: int | None = None,
    salvage: bool = False,
) -> tuple[Pixels, Metadata, str]:
    """Reads a file whole: its pixels, its metadata, and its format as PIL calls it.

    page: which of a TIFF's pictures, from 1. salvage: reads what there is of a JPEG that is cut
    short, with a ``MetadataWarning``. What goes wrong is raised as ``error``.
    """
    name = str(source) if isinstance(source, Path) else "the image's bytes"
    try:
        if isinstance(source, Path) and source.suffix.lower() in RAW:
            raise ImageError(f"{name} is a camera's raw file; develop it, and give the picture")
        data = source.read_bytes() if isinstance(source, Path) else source
        kind = STARTS.get(data[:3], "")
        if page not in (None, 1) and kind != "TIFF":
            raise ImageError(f"{name} has no page {page}; a TIFF has pages")
        if kind:
            return _by_vips(data, kind, name, page, salvage)
        from PIL import Image

        with Image.open(BytesIO(data)) as picture:
            return *_from_pil(picture, name), picture.format or ""
    except ImportError:
        raise  # of a library that is not installed
    except FileNotFoundError:
        raise error(f"there is no file {name}") from None
    except Exception as reason:
        raise _told(reason, name, error) from reason


def _told(reason: Exception, name: str, error: type[InpaintError]) -> InpaintError:
    """The error for what a decoder raised: damaged files fail in each in its own way."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(reason, InpaintError):
        return error(str(reason))
    if isinstance(reason, UnidentifiedImageError):
        return error(f"{name} is not a picture in a known format")
    text = (str(reason).strip() or type(reason).__name__).splitlines()[-1].strip()
    if isinstance(reason, (Image.DecompressionBombError, MemoryError)):
        return error(f"{name} is too large to be read safely: {text}")
    return error(f"cannot read {name}, it may be cut short or damaged: {text}")


def _by_vips(
    data: bytes, kind: str, name: str, page: int | None, salvage: bool
) -> tuple[Pixels, Metadata, str]:
    libvips = _libvips()
    pages = list(read_directories(data)) if kind == "TIFF" else []
    index = _page_index(pages, page, name) if pages else 0
    tags, options = (pages[index], {"page": index}) if pages else ({}, {})

    def read(fail_on: str) -> tuple[pyvips.Image, tuple[Pixels, str, list[str]]]:
        load = getattr(libvips.Image, f"{kind.lower()}load_buffer")
        image = load(data, access="sequential", fail_on=fail_on, **options)
        return image, _computed(image, tags, name)

    try:
        image, (pixels, converted, dropped) = read("truncated")
    except libvips.Error as reason:
        if not salvage or kind != "JPEG":
            raise
        image, (pixels, converted, dropped) = read("none")  # grey from where it is cut
        if (pixels != 128).reshape(len(pixels), -1).any(axis=1).mean() < LEAST:
            raise
        warn(f"{name}: what can be read is taken: {str(reason).splitlines()[-1].strip()}")

    def get(field: str) -> Any:
        if field == "dpi" and image.get_typeof("resolution-unit"):
            return image.xres * 25.4, image.yres * 25.4
        return image.get(field) if image.get_typeof(field) else None

    metadata, turn = read_metadata(kind, data, tags, get)
    dropped += [FURTHER] * (len(pages) > 1) + ["tags"] * (kind == "TIFF" and not pages)
    icc = b"" if image.interpretation == "cmyk" else metadata.icc
    lost = (*metadata.dropped, *dropped)
    metadata = replace(metadata, icc=icc, dropped=lost, converted=converted)
    return orient_array(pixels, turn), metadata, kind


def _libvips() -> Any:
    """The module pyvips. Its library brings a GLib of its own, which must not meet GStreamer's."""
    if "pyvips" not in sys.modules and hasattr(os, "RTLD_DEEPBIND"):
        flags = sys.getdlopenflags()
        sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
        try:
            return import_module("pyvips")
        finally:
            sys.setdlopenflags(flags)
    return import_module("pyvips")


def _computed(image: pyvips.Image, tags: Directory, name: str) -> tuple[Pixels, str, list[str]]:
    """Colours or grey, and alpha; in what form they were; names of what is left out."""
    from PIL.Image import MAX_IMAGE_PIXELS as LIMIT

    if LIMIT is not None and image.height * image.width > 2 * LIMIT:
        raise ImageError(
            f"{name} is too large to be read safely: {image.width}x{image.height} pixels are more "
            f"than twice PIL.Image.MAX_IMAGE_PIXELS ({LIMIT}), which can be raised"
        )
    form, converted, dropped = image.interpretation, "", []
    is_cmyk = form == "cmyk" and image.format == "uchar"
    if image.format not in TYPES or form in ("lab", "labq") or (form == "cmyk" and not is_cmyk):
        raise ImageError(f"{name} is {form} of type {image.format}; convert it to 8 or 16 bits RGB")
    if is_cmyk:  # by the picture's profile, or else a usual one
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk")
        converted = "CMYK colours"
    elif image.get_typeof("palette") or (262 in tags and tags[262].first() == 3):
        converted = "a palette"
    elif image.get_typeof("bits-per-sample") and image.get("bits-per-sample") == 1:
        converted = "1 bit a pixel"
    colours = 1 if image.bands < 3 or form in ("b-w", "grey16") else 3
    alpha = tags[338].first() if 338 in tags else 0
    kept = colours + (image.bands == colours + 1 or (image.bands > colours and alpha > 0))
    if kept < image.bands:
        image, dropped = image.extract_band(0, n=kept), ["further channels"]
    if kept in (2, 4) and alpha == 1:  # as libvips divides them by it
        converted = "premultiplied alpha"
    region = _libvips().Region.new(image)
    pixels = np.empty((image.height, image.width, image.bands), TYPES[image.format])
    # The time that libvips takes grows with the square of the rows that are asked for.
    rows = min(512, max(1, STRIP_BYTES // pixels[0].nbytes))
    for top in range(0, image.height, rows):
        strip = pixels[top : top + rows]
        found = region.fetch(0, top, image.width, len(strip))
        strip[:] = np.frombuffer(found, pixels.dtype).reshape(strip.shape)
    if pixels.dtype.kind == "f":
        check_floats(pixels)
    return pixels[..., 0] if image.bands == 1 else pixels, converted, dropped


def _page_index(pages: list[Directory], page: int | None, name: str) -> int:
    """Which of a TIFF's directories holds the picture; previews are no pages."""
    whole = [i for i, tags in enumerate(pages) if 254 not in tags or not tags[254].first() & 1]
    # A version of DNG, or the colour filter of a sensor.
    if 50706 in pages[0] or (262 in pages[0] and pages[0][262].first() == 32803) or not whole:
        raise ImageError(
            f"{name} is a camera's raw file, of which only a preview can be read here; develop it, "
            "and give the picture"
        )
    if page is None and len(whole) > 1:
        raise ImageError(
            f"{name} holds {len(whole)} pictures; name one by its page, from 1 on: restore --page, "
            "or restore_file(page=...)"
        )
    page = 1 if page is None else page
    if not 1 <= page <= len(whole):
        raise ImageError(f"{name} has no page {page}; it has {len(whole)}")
    return whole[page - 1]


def is_pil(image: object) -> bool:
    """Whether it is a PIL image, found out without importing PIL."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def decode_pil(
    picture: PILImage.Image, name: str, error: type[InpaintError]
) -> tuple[Pixels, Metadata]:
    """Takes a PIL image as :func:`decode` takes a file."""
    try:
        return _from_pil(picture, name)
    except Exception as reason:  # PIL decodes lazily
        raise _told(reason, name, error) from reason


def _from_pil(picture: PILImage.Image, name: str) -> tuple[Pixels, Metadata]:
    mode, converted, plain, info = picture.mode, "", picture, picture.info
    if any(";16" in str(tile) for tile in getattr(picture, "tile", ())) and mode != "I;16":
        raise ImageError(
            f"{name} has 16 bits a channel, which a PIL image cannot hold; convert it to a PNG or "
            "a TIFF, and restore it with restore_file"
        )
    if 0 in picture.size:
        raise ImageError(f"{name} is empty: its size is {picture.width}x{picture.height}")
    if mode in ("1", "P", "PA", "La", "RGBa", "RGBX", "YCbCr"):
        alpha = mode in ("PA", "La", "RGBa") or "transparency" in info
        converted = {"1": "1 bit a pixel", "P": "a palette"}.get(mode, f"mode {mode}")
        plain = picture.convert("RGBA" if alpha else "L" if mode == "1" else "RGB")
    elif mode not in MODES:
        raise ImageError(
            f"{name} has mode {mode}; only {', '.join(MODES)}, P and 1 can be restored. Convert it "
            'first: image.convert("RGB"); a CMYK file is converted by its profile'
        )
    pixels = orient_array(np.asarray(plain), picture.getexif().get(274, 1))
    names = {"exif-data": "exif", "xmp-data": "xmp", "icc-profile-data": "icc_profile"}
    metadata, _ = read_metadata("", b"", {}, lambda field: info.get(names.get(field, field)))
    dropped = metadata.dropped + (FURTHER,) * (getattr(picture, "n_frames", 1) > 1)
    return pixels, replace(metadata, dropped=dropped, converted=converted)


def orient_array(pixels: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def warn(message: str) -> None:
    """Tells the caller of a file that is not kept, or not read, as it is."""
    warnings.warn(message, MetadataWarning, stacklevel=2)
