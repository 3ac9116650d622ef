"""Picture files become pixels: upright, in plain colours or grey, of 8 or 16 bits or floats.

libvips reads JPEG, PNG, TIFF and GIF, whatever form their pixels have; PIL reads the other formats.
libvips is only asked for regions, which it computes in the thread that asks: its pool of threads
does not survive a fork.
"""

from __future__ import annotations

import logging
import sys
import warnings
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from inpaint_sdk.errors import ImageError, InpaintError
from inpaint_sdk.images.ifd import ORIENTATION, Directory, Reader
from inpaint_sdk.images.image import Pixels, check_floats
from inpaint_sdk.images.metadata import FURTHER, Metadata, MetadataWarning, read_metadata

if TYPE_CHECKING:
    import pyvips
    from PIL import Image as PILImage

Source: TypeAlias = "Path | bytes"
"""A picture file: where it is, or what it holds."""

LOADERS = {b"\xff\xd8\xff": "JPEG", b"\x89PN": "PNG", b"GIF": "GIF", b"II*": "TIFF"}
LOADERS |= {b"MM\0": "TIFF", b"II+": "TIFF"}
"""Formats that libvips reads, by how their files begin."""

RAW = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw")
MODES = ("RGB", "RGBA", "L", "LA", "I;16")
STRIP_BYTES = 8 << 20


def name_of(source: Source) -> str:
    """How messages call a source."""
    return str(source) if isinstance(source, Path) else "the image's bytes"


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
    name = name_of(source)
    try:
        if isinstance(source, Path) and source.suffix.lower() in RAW:
            raise ImageError(f"{name} is a camera's raw file; develop it, and give the picture")
        data = source.read_bytes() if isinstance(source, Path) else source
        kind = LOADERS.get(data[:3], "")
        if page not in (None, 1) and kind != "TIFF":
            raise ImageError(f"{name} has no page {page}; a TIFF has pages")
        return _by_vips(data, kind, name, page, salvage) if kind else _by_pil(data, name)
    except FileNotFoundError:
        raise error(f"there is no file {name}") from None
    except InpaintError as reason:
        raise error(str(reason)) from reason
    except MemoryError as reason:
        raise error(f"{name} is too large for the memory") from reason
    except Exception as reason:  # damaged files fail in the decoders, each in its own way
        told = (str(reason).strip() or type(reason).__name__).splitlines()[-1]
        raise error(f"cannot read {name}, it may be cut short or damaged: {told}") from reason


def _by_vips(
    data: bytes, kind: str, name: str, page: int | None, salvage: bool
) -> tuple[Pixels, Metadata, str]:
    import pyvips

    logging.getLogger("pyvips").addHandler(logging.NullHandler())  # it raises what it logs
    tags: Directory = {}
    options: dict[str, Any] = {"access": "sequential", "fail_on": "truncated"}
    pages = list(Reader(data).directories()) if kind == "TIFF" else []
    if pages:
        options["page"] = _page_index(pages, page, name)
        tags = pages[options["page"]]
    load = getattr(pyvips.Image, f"{kind.lower()}load_buffer")
    try:
        image, pixels, changed, dropped = _plain(load(data, **options), tags, name)
    except pyvips.Error as reason:
        if not salvage or kind != "JPEG":
            raise
        options["fail_on"] = "none"
        image, pixels, changed, dropped = _plain(load(data, **options), tags, name)
        told = str(reason).strip().splitlines()[-1]
        warn(f"{name} is damaged, what can be read of it is taken: {told}")

    def get(field: str) -> Any:
        if field == "dpi":
            dpi = (image.xres * 25.4, image.yres * 25.4)
            # 72 dots an inch or one a millimetre is what libvips makes up.
            return dpi if all(abs(d - up) > 0.1 for d in dpi for up in (72.0, 25.4)) else None
        return image.get(field) if image.get_typeof(field) else b""

    metadata, orientation = read_metadata(kind, data, tags, get)
    if len(pages) > 1 or (kind == "GIF" and image.get("n-pages") > 1):
        dropped = (FURTHER, *dropped)
    if image.interpretation == "cmyk":
        metadata = metadata.without_profile()
    dropped = (*metadata.dropped, *dropped)
    return (
        orient_array(pixels, orientation),
        replace(metadata, dropped=dropped, converted=changed),
        kind,
    )


def _plain(
    image: pyvips.Image, tags: Directory, name: str
) -> tuple[pyvips.Image, Pixels, str, tuple[str, ...]]:
    """A file's header, its pixels in colours or grey, what they were, and what is left out."""
    check_pixel_limit(name, image.height, image.width)
    header, changed, form = image, "", image.interpretation
    dropped: tuple[str, ...] = ()
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    if form in ("lab", "labs", "labq") or (form == "cmyk" and image.format != "uchar"):
        kind = "CMYK of 16 bits" if form == "cmyk" else "CIELAB colours"
        raise ImageError(f"{name} has {kind}; convert it to RGB first")
    if form == "cmyk":
        image, changed = from_cmyk(image), "CMYK colours"
    elif image.get_typeof("palette") or (262 in tags and tags[262].numbers() == [3]):
        changed = "a palette"
    elif bits == 1:
        changed = "1 bit a pixel"
    colours = 1 if image.bands < 3 or form in ("b-w", "grey16") else 3
    extra = tags[338].numbers() if 338 in tags else [0]
    kept = colours + (image.bands == colours + 1 or (image.bands > colours and extra[:1] > [0]))
    if kept < image.bands:
        image, dropped = image.extract_band(0, n=kept), ("further channels",)
    if kept in (2, 4) and extra[:1] == [1]:
        changed = "alpha multiplied into the colours"
        whole = image.unpremultiply()
        image = whole.cast(image.format) if "f" in image.format else whole.rint().cast(image.format)
    pixels = _computed(image, name)
    if pixels.dtype.kind == "f":
        check_floats(pixels)
    return header, pixels, changed, dropped


def from_cmyk(image: pyvips.Image) -> pyvips.Image:
    """CMYK in sRGB, by the picture's profile or else a usual one."""
    return image.icc_transform("srgb", embedded=True, input_profile="cmyk")


def _computed(image: pyvips.Image, name: str) -> Pixels:
    """The pixels of a sequential image, strip by strip."""
    import pyvips

    types = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32, "double": np.float64}
    if image.format not in types:
        raise ImageError(f"{name} holds values of type {image.format}; convert it to 8 or 16 bits")
    region = pyvips.Region.new(image)
    pixels = np.empty((image.height, image.width, image.bands), types[image.format])
    rows = max(1, STRIP_BYTES // pixels[0].nbytes)
    for top in range(0, image.height, rows):
        strip = pixels[top : top + rows]
        found = region.fetch(0, top, image.width, len(strip))
        strip[:] = np.frombuffer(found, pixels.dtype).reshape(strip.shape)
    return pixels[..., 0] if image.bands == 1 else pixels


def _page_index(pages: list[Directory], page: int | None, name: str) -> int:
    """Which of a TIFF's directories holds the picture; previews are no pages."""

    def is_preview(tags: Directory) -> bool:
        return bool(254 in tags and tags[254].numbers() and tags[254].numbers()[0] & 1)

    whole = [index for index, tags in enumerate(pages) if not is_preview(tags)]
    if 50706 in pages[0] or (262 in pages[0] and pages[0][262].numbers() == [32803]) or not whole:
        raise ImageError(
            f"{name} is a camera's raw file, of which only a preview can be read here; develop it, "
            "and give the picture"
        )
    if page is None and len(whole) > 1:
        raise ImageError(f"{name} holds {len(whole)} pictures; name one, from page 1 on")
    if not 1 <= (page or 1) <= len(whole):
        raise ImageError(f"{name} has no page {page}; it has {len(whole)}")
    return whole[(page or 1) - 1]


def _by_pil(data: bytes, name: str) -> tuple[Pixels, Metadata, str]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as picture:
            if any(";16" in str(tile) for tile in getattr(picture, "tile", ())):
                raise ImageError(f"{name} has 16 bits a channel; convert it to a PNG or a TIFF")
            further = (FURTHER,) if getattr(picture, "n_frames", 1) > 1 else ()
            plain, changed = plain_pil(picture, name)
            info = {**picture.info, "exif-data": picture.info.get("exif")}
            info |= {"xmp-data": info.get("xmp"), "icc-profile-data": info.get("icc_profile")}
            kind = picture.format or ""
            metadata, orientation = read_metadata(kind, data, {}, info.get)
            pixels = orient_array(np.asarray(plain), orientation)
            return pixels, replace(metadata, dropped=further, converted=changed), kind
    except UnidentifiedImageError as reason:
        raise ImageError(f"{name} is not a picture in a known format") from reason
    except Image.DecompressionBombError as reason:
        raise ImageError(f"{name} is too large to be read safely: {reason}") from reason


def is_pil(image: object) -> bool:
    """Whether it is a PIL image, found out without importing PIL."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def pil_pixels(
    picture: PILImage.Image, name: str, error: type[InpaintError]
) -> tuple[Pixels, str, int]:
    """A PIL image's pixels, upright; the form that they had; the orientation that was applied."""
    try:
        plain, changed = plain_pil(picture, name)
        turn = picture.getexif().get(ORIENTATION, 1)
        return orient_array(np.asarray(plain), turn), changed, turn if turn in range(2, 9) else 1
    except InpaintError as reason:
        raise error(str(reason)) from reason
    except Exception as reason:  # PIL decodes lazily
        raise error(f"cannot read {name}, it may be cut short or damaged: {reason}") from reason


def plain_pil(picture: PILImage.Image, name: str) -> tuple[PILImage.Image, str]:
    """A PIL image in a mode that can be restored, and what it had in place of that."""
    from PIL import Image

    mode = picture.mode
    if 0 in picture.size:
        raise ImageError(f"{name} is empty: its size is {picture.width}x{picture.height}")
    if mode in MODES:
        return picture, ""
    if mode in ("I", "F") or mode.startswith("I;16"):
        raise ImageError(f"{name} has mode {mode}; only {', '.join(MODES)} can be restored")
    if mode == "CMYK":
        import pyvips

        bands = np.asarray(picture)
        image = pyvips.Image.new_from_memory(bands.tobytes(), *picture.size, 4, "uchar")
        image = image.copy(interpretation="cmyk")
        if picture.info.get("icc_profile"):
            blob = pyvips.GValue.blob_type
            image.set_type(blob, "icc-profile-data", picture.info["icc_profile"])
        return Image.fromarray(_computed(from_cmyk(image), name)), "CMYK colours"
    alpha = mode in ("PA", "La", "RGBa") or "transparency" in picture.info
    told = {"P": "a palette", "PA": "a palette", "1": "1 bit a pixel"}.get(mode, f"mode {mode}")
    return picture.convert("RGBA" if alpha else "L" if mode == "1" else "RGB"), told


def check_pixel_limit(name: str, height: int, width: int) -> None:
    """Raises ``ImageError`` for a size that PIL would refuse, for files that others read."""
    from PIL import Image

    if Image.MAX_IMAGE_PIXELS is not None and height * width > 2 * Image.MAX_IMAGE_PIXELS:
        raise ImageError(
            f"{name} is too large to be read safely: {width}x{height} pixels are more than twice "
            f"PIL.Image.MAX_IMAGE_PIXELS ({Image.MAX_IMAGE_PIXELS}), which can be raised"
        )


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
