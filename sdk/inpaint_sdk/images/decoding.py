"""Picture files become pixels: upright, in plain colours or grey, of 8 or 16 bits or floats.

libvips reads JPEG, PNG, TIFF and AVIF, whatever form their pixels have; PIL reads other formats.
libvips is only asked for regions, which it computes in the thread that asks: its pool of threads
does not survive a fork.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint_sdk.errors import ImageError, InpaintError, MaskError
from inpaint_sdk.images.ifd import Directory, first, read_directories
from inpaint_sdk.images.image import Pixels, check_floats
from inpaint_sdk.images.metadata import FURTHER, Metadata, MetadataWarning, read_metadata

if TYPE_CHECKING:
    import pyvips
    from PIL import Image as PILImage

RAW = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw")
IS_RAW = "is a camera's raw file; develop it, and give the picture"
STARTS = {b"\xff\xd8\xff": "JPEG", b"\x89PN": "PNG"}
STARTS |= dict.fromkeys((b"II*", b"MM\0", b"II+"), "TIFF")
LOADERS = {"JPEG": "jpegload", "PNG": "pngload", "TIFF": "tiffload", "AVIF": "heifload"}
"""Formats that libvips reads: how their files begin, but for AVIF's, and its names of readers."""

_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEIF = tuple(b"ftyp" + brand for brand in _BRANDS)
_ITEM = re.compile(rb"(?s)(?=\0(?:...infe|\0\0\x01infe\0{4}....)([\2\3]))")
"""A HEIC's item: its box's length, of 32 or 64 bits, its name and version."""

_SIZE = re.compile(rb"(?s)ispe\0{4}(.{8})")
"""An AVIF's size, or that of a part: width and height."""

PIL_FORMATS = ("WEBP", "BMP", "DIB", "GIF", "JPEG2000", "PPM", "TGA", "ICO", "PCX", "PSD")
"""What PIL may read: pictures only, and none by another program, as EPS is by Ghostscript."""

FIELDS = {"exif-data": "exif", "xmp-data": "xmp", "icc-profile-data": "icc_profile"}
"""PIL's names of metadata, by those of libvips."""

LAB = (8, 9, 10)  # a TIFF's PhotometricInterpretation: of CIE, ICC and ITU
MODES = ("RGB", "RGBA", "L", "LA", "I;16")
NO_PIL = "which a PIL image cannot hold; restore it from file to file, with restore_file"
TYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}
STRIP_BYTES = 8 << 20
LEAST = 0.25
"""Share of a JPEG's rows of which something must be there."""


@dataclass(frozen=True)
class ImageFile:
    """What a file holds.

    pixels: [H, W] or [H, W, C], colours in the order RGB, upright; uint8 or uint16, or floats from
    0 to 1. format: as PIL calls it, or "" for what was made in memory. source: the file that it is
    from, as long as the pixels are that file's.
    """

    pixels: Pixels
    metadata: Metadata
    format: str = ""
    source: Path | bytes | None = None


def read_image_file(
    source: PILImage.Image | str | os.PathLike[str] | bytes,
    error: type[InpaintError] = ImageError,
    *,
    page: int | None = None,
) -> ImageFile:
    """Reads a picture file, its bytes or a PIL image whole.

    Of a JPEG that is cut short, what is there is read, with a ``MetadataWarning``; of a mask, for
    which ``error`` is ``MaskError``, all must be there.

    page: which of a TIFF's pictures, from 1.

    Raises:
        error: the file is missing, damaged, of a kind that cannot be restored, or so large that it
            may be meant to exhaust memory (more than twice ``PIL.Image.MAX_IMAGE_PIXELS``, which
            can be raised). Nothing is decoded then.
    """
    from PIL import Image as PILImage

    what = "the mask" if error is MaskError else "the image"
    is_path, is_pil = isinstance(source, (str, os.PathLike)), isinstance(source, PILImage.Image)
    name = str(source) if is_path else what if is_pil else f"{what}'s bytes"
    try:
        if isinstance(source, PILImage.Image):
            return _from_pil(source, name)
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
        elif not is_path:
            kind = type(source).__name__
            raise ImageError(f"{what} is a numpy array, a PIL image, a path or bytes, not {kind}")
        elif Path(name).suffix.lower() in RAW:
            raise ImageError(f"{name} {IS_RAW}")
        else:
            data = Path(name).read_bytes()
        file = _from_bytes(data, name, page, error is not MaskError)
        return replace(file, source=Path(name) if is_path else data)
    except ImportError:
        raise  # of a library that is not installed
    except Exception as reason:  # damaged files fail in each decoder in its own way
        raise error(_told(reason, name)) from reason


def _told(reason: Exception, name: str) -> str:
    """What is said of what a decoder raised."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(reason, InpaintError):
        return str(reason)
    if isinstance(reason, FileNotFoundError):
        return f"there is no file {name}"
    if isinstance(reason, UnidentifiedImageError):
        return f"{name} is not a picture in a known format"
    if isinstance(reason, OSError) and reason.strerror:
        return f"cannot read {name}: {reason.strerror}"
    text = (str(reason).strip() or type(reason).__name__).splitlines()[-1].strip()
    if isinstance(reason, (Image.DecompressionBombError, MemoryError)):
        return f"{name} is too large to be read safely: {text}"
    return f"cannot read {name}; it is damaged, or of a form that is not known here: {text}"


def _from_bytes(data: bytes, name: str, page: int | None, salvage: bool) -> ImageFile:
    kind = STARTS.get(data[:3], "")
    if data[4:12] in HEIF:
        kind = "AVIF" if b"avif" in data[8:64] else "HEIF"
    if page not in (None, 1) and kind != "TIFF":
        raise ImageError(f"{name} has no page {page}; a TIFF has pages")
    if kind in LOADERS:
        return _by_vips(data, kind, name, page, salvage)
    from PIL import Image, UnidentifiedImageError

    if kind == "HEIF" and "HEIF" not in Image.OPEN:
        try:
            import_module("pi_heif").register_heif_opener()
        except ImportError:
            raise ImageError(
                f"{name} is a HEIC picture, which pi-heif reads: pip install 'inpaint-sdk[heic]'"
            ) from None
    if kind == "HEIF":
        _check_items(data)
    try:
        with Image.open(BytesIO(data), formats=(kind,) if kind else PIL_FORMATS) as picture:
            return _from_pil(picture, name, _bits(picture, data))
    except UnidentifiedImageError:
        if kind:
            raise ValueError("it begins as a HEIC picture") from None
        raise


def _check_items(data: bytes) -> None:
    """Raises ``ValueError`` if a HEIC's items have types that are no text: pi-heif crashes then."""
    for found in _ITEM.finditer(data):
        at = found.end(1) + (9 if found[1] == b"\3" else 7)  # behind flags, number, protection
        kind, content = data[at : at + 4], data.find(b"\0", at + 4) + 1
        kind.decode()
        if kind == b"mime":
            data[content : data.find(b"\0", content)].decode()


def _bits(picture: PILImage.Image, data: bytes) -> int:
    """Bits a channel of what PIL is about to read, which may make 8 of them."""
    if picture.format == "JPEG2000":
        return (data[data.find(b"\xff\x4f\xff\x51") + 42] & 127) + 1
    if picture.format == "PPM":
        told = picture.tile[0].args  # type: ignore[attr-defined]  # a mode, or that and white
        return int(told[1]).bit_length() if isinstance(told, tuple) else 8
    return int(picture.info.get("bit_depth", 8))


def _by_vips(data: bytes, kind: str, name: str, page: int | None, salvage: bool) -> ImageFile:
    libvips = _libvips()
    pages = list(read_directories(data)) if kind == "TIFF" else []
    options = {"page": _page_index(pages, page, name)} if pages else {}
    tags = pages[options["page"]] if pages else {}
    if first(tags, 262, 0) in LAB:
        raise ImageError(f"{name} is in CIELAB; convert it to RGB")
    if _lacks_parts(tags, len(data)):  # libvips looks for each that is missing, and takes long
        raise ImageError(f"{name} is damaged: it holds less than a picture of its size")

    if kind == "AVIF":  # of sizes beyond its own limit GLib prints a line
        for size in _SIZE.finditer(data):
            _check_size(*struct.unpack(">II", size[1]))

    def read(data: bytes, fail_on: str) -> tuple[pyvips.Image, tuple[Pixels, str, list[str]]]:
        load = getattr(libvips.Image, f"{LOADERS[kind]}_buffer")
        try:
            image = load(data, access="sequential", fail_on=fail_on, **options)
            return image, _computed(image, tags, name)
        except UnicodeDecodeError:  # of a file's bytes in a message, which pyvips would then keep
            libvips.vips_lib.vips_error_clear()
            raise libvips.Error("libvips", "the decoder's message is not text") from None

    try:
        image, (pixels, converted, dropped) = read(data, "truncated")
    except libvips.Error as reason:
        if not salvage or kind != "JPEG":
            raise
        try:
            image, (pixels, converted, dropped) = read(data, "none")  # grey from where it is cut
        except libvips.Error:  # as in the tables of a scan; what is before it is whole
            before = data[: data.rfind(b"\xff\xda")]
            image, (pixels, converted, dropped) = read(before, "none")
        if (pixels != 128).reshape(len(pixels), -1).any(axis=1).mean() < LEAST:
            raise
        warn(f"{name}: what can be read is taken: {str(reason).splitlines()[-1].strip()}")

    found = {pil: image.get(name) for name, pil in FIELDS.items() if image.get_typeof(name)}
    if image.get_typeof("resolution-unit"):
        found["dpi"] = (image.xres * 25.4, image.yres * 25.4)
    if image.interpretation == "cmyk":  # the profile was applied
        found.pop("icc_profile", None)
    if kind == "AVIF" and pixels.dtype == np.uint16:  # their high bits, with which white is grey
        pixels |= pixels >> image.get("bits-per-sample")
    # 330: sub-directories.
    dropped += [FURTHER] * (len(pages) > 1 or 330 in tags or data[4:12] == b"ftypavis")
    metadata, turn = read_metadata(kind, data, tags, found, dropped, converted)
    # libvips turns an AVIF by its own properties, which its EXIF does not count beside.
    return ImageFile(orient_array(pixels, 1 if kind == "AVIF" else turn), metadata, kind)


def _libvips() -> Any:
    """The module pyvips. Its library brings a GLib of its own, which must not meet GStreamer's."""
    if "pyvips" in sys.modules:
        return import_module("pyvips")
    with _binding_deeply():
        libvips = import_module("pyvips")
    libvips.cache_set_max(0)  # it would keep pictures, each of which is decoded once
    return libvips


@contextmanager
def _binding_deeply() -> Iterator[None]:
    """Libraries that are loaded look for symbols in what they bring themselves first, on Linux."""
    if not hasattr(os, "RTLD_DEEPBIND"):
        yield
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)


def _computed(image: pyvips.Image, tags: Directory, name: str) -> tuple[Pixels, str, list[str]]:
    """Colours or grey, and alpha; in what form they were; names of what is left out."""
    _check_size(image.width, image.height)
    form, dropped = image.interpretation, []
    colours = {"cmyk": 4, "b-w": 1, "grey16": 1}.get(form, 1 if image.bands < 3 else 3)
    further = image.bands - colours
    alpha = first(tags, 338, 2 * (further == 1))
    kept = int(further > 0 and alpha > 0)  # 0: of no known meaning, like a scanner's infrared
    if form == "cmyk" and image.format == "ushort":  # it would come back as other numbers
        raise ImageError(f"{name} is CMYK of 16 bits a channel; convert it to 8 bits or to RGB")
    if image.format not in (("uchar",) if form == "cmyk" else TYPES):
        raise ImageError(f"{name} is {form} of type {image.format}; convert it to 8 or 16 bits RGB")
    if kept < further:
        image, dropped = image.extract_band(0, n=colours + kept), ["further channels"]
    converted = ""
    if form == "cmyk":
        image, converted = _in_srgb(image), "CMYK colours"
    elif image.get_typeof("palette") or first(tags, 262, 0) == 3:
        converted = "a palette"
    elif image.get_typeof("bits-per-sample") and image.get("bits-per-sample") == 1:
        converted = "1 bit a pixel"
    if kept and alpha == 1:  # as libvips divides them by it
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


def _check_size(width: int, height: int) -> None:
    from PIL import Image as PILImage

    limit = PILImage.MAX_IMAGE_PIXELS
    if limit is not None and height * width > 2 * limit:
        told = f"more than twice PIL.Image.MAX_IMAGE_PIXELS ({limit}), which can be raised"
        raise PILImage.DecompressionBombError(f"{width}x{height} pixels are {told}")


def _in_srgb(image: pyvips.Image) -> pyvips.Image:
    """CMYK as sRGB, by the picture's profile or else a usual one; alpha stays."""
    colours = image.extract_band(0, n=4)
    found = colours.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=8)
    return found if image.bands == 4 else found.bandjoin(image.extract_band(4))


def _lacks_parts(tags: Directory, length: int) -> bool:
    """Whether a TIFF names fewer tiles, or strips, than it has, or is shorter than its pixels."""
    width, height = first(tags, 256, 0), first(tags, 257, 0)
    tiled = 324 in tags
    offsets = tags.get(324 if tiled else 273)
    wide = first(tags, 322, 0) if tiled else width
    high = first(tags, 323, 0) if tiled else first(tags, 278, height)
    parts = -(-width // max(1, wide)) * -(-height // max(1, high))
    pixels = width * height * first(tags, 258, 1) * first(tags, 277, 1) // 8
    # Of YCbCr, colours may have fewer pixels.
    plain = first(tags, 259, 1) == 1 and first(tags, 262, 0) != 6
    return (offsets is not None and offsets.number < parts) or (plain and pixels > length)


def _page_index(pages: list[Directory], page: int | None, name: str) -> int:
    """Which of a TIFF's directories holds the picture; previews are no pages."""
    whole = [i for i, tags in enumerate(pages) if not first(tags, 254, 0) & 1]
    # A version of DNG, or the colour filter of a sensor.
    if 50706 in pages[0] or first(pages[0], 262, 0) == 32803 or not whole:
        raise ImageError(f"{name} {IS_RAW}")
    if page is None and len(whole) > 1:
        by_name = "from 1 on: restore --page, or restore_file(page=...)"
        raise ImageError(f"{name} holds {len(whole)} pictures; name one by its page, {by_name}")
    page = 1 if page is None else page
    if not 1 <= page <= len(whole):
        raise ImageError(f"{name} has no page {page}; it has {len(whole)}")
    return whole[page - 1]


def _from_pil(picture: PILImage.Image, name: str, bits: int = 8) -> ImageFile:
    mode, converted, plain, info = picture.mode, "", picture, picture.info
    if any(";16" in str(tile) for tile in getattr(picture, "tile", ())) and mode != "I;16":
        raise ImageError(f"{name} has 16 bits a channel, {NO_PIL}")
    if 0 in picture.size:
        raise ImageError(f"{name} is empty: its size is {picture.width}x{picture.height}")
    if mode in ("1", "P", "PA", "RGBa", "RGBX", "YCbCr"):
        alpha = mode in ("PA", "RGBa") or "transparency" in info
        converted = {"1": "1 bit a pixel", "P": "a palette"}.get(mode, f"mode {mode}")
        plain = picture.convert("RGBA" if alpha else "L" if mode == "1" else "RGB")
    elif mode not in MODES:
        raise ImageError(
            f"{name} has mode {mode}; only {', '.join(MODES)}, P and 1 can be restored. Convert it "
            'first: image.convert("RGB"); a CMYK file is converted by its profile'
        )
    pixels = orient_array(np.asarray(plain), picture.getexif().get(274, 1))
    if bits > 8 and pixels.dtype == np.uint8:
        converted = f"{bits} bits a channel, of which 8 are read"
    # pi-heif tells of a HEIC's maps of depth and of light.
    further = getattr(picture, "n_frames", 1) > 1 or info.get("depth_images") or info.get("aux")
    found, dropped = {str(key): value for key, value in info.items()}, [FURTHER] * bool(further)
    metadata, _ = read_metadata("", b"", {}, found, dropped, converted)
    return ImageFile(pixels, metadata, picture.format or "")


def orient_array(pixels: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation (1 to 8)."""
    mirrored = pixels[:, ::-1] if orientation in (2, 4, 5, 7) else pixels
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(mirrored, quarters))


def warn(message: str) -> None:
    """Tells the caller of a file that is not kept, or not read, as it is."""
    warnings.warn(message, MetadataWarning, stacklevel=2)
