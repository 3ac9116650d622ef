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
from contextlib import suppress
from ctypes import CDLL
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
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

HEIF = re.compile(rb"(?s)....ftyp(?:avi[fs]|hei[cmsx]|hev[cx]|mif1|msf1)")
_ITEM = re.compile(rb"(?s)(?=\0(?:...infe|\0\0\x01infe\0{4}....)([\2\3]))")
"""A HEIC's item: its box's length, of 32 or 64 bits, its name and version."""

_SIZE = re.compile(rb"(?s)ispe\0{4}(.{8})")
"""An AVIF's size, or that of a part: width and height."""

PIL_FORMATS = ("WEBP", "BMP", "DIB", "GIF", "JPEG2000", "PPM", "TGA", "ICO", "PCX", "PSD")
"""What PIL may read: pictures only, and none by another program, as EPS is by Ghostscript."""

FIELDS = {"exif-data": "exif", "xmp-data": "xmp", "icc-profile-data": "icc_profile"}
"""PIL's names of metadata, by those of libvips."""

MODES = ("RGB", "RGBA", "L", "LA", "I;16")
NO_PIL = "which a PIL image cannot hold; restore it from file to file, with restore_file"
TYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}
STRIP_BYTES = 1 << 20
LEAST = 0.25
"""Share of a JPEG's rows of which something must be there."""


@dataclass(frozen=True)
class ImageFile:
    """What a file holds.

    pixels: [H, W] or [H, W, C], colours in the order RGB, upright; uint8 or uint16, or floats from
    0 to 1. format: as PIL calls it, or "" for what was made in memory. source: the file's bytes, as
    long as the pixels are that file's.
    """

    pixels: Pixels
    metadata: Metadata
    format: str = ""
    source: bytes | None = None

    def with_pixels(self, pixels: Pixels) -> ImageFile:
        """The file with what was made of its pixels; what is unchanged is not encoded again."""
        source = self.source if np.array_equal(pixels, self.pixels) else None
        return replace(self, pixels=pixels, source=source)


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
            return _from_pil(source)
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
        elif not is_path:
            name, kind = what, type(source).__name__
            raise ImageError(f"is a numpy array, a PIL image, a path or bytes, not {kind}")
        elif Path(name).suffix.lower() in RAW:
            raise ImageError(IS_RAW)
        else:
            data = Path(name).read_bytes()
        return replace(_from_bytes(data, name, page, error is not MaskError), source=data)
    except ImportError:
        raise  # of a library that is not installed
    except Exception as reason:  # damaged files fail in each decoder in its own way
        raise error(_told(reason, name)) from reason


def _told(reason: Exception, name: str) -> str:
    """What is said of what a decoder raised, or of what was found, which lacks the name."""
    from PIL import Image, UnidentifiedImageError

    text = (str(reason).strip() or type(reason).__name__).splitlines()[-1].strip()
    match reason:
        case InpaintError():
            return f"{name} {text}"
        case FileNotFoundError():
            return f"there is no file {name}"
        case UnidentifiedImageError():
            return f"{name} is not a picture in a known format"
        case OSError(strerror=str(problem)):
            return f"cannot read {name}: {problem}"
        case Image.DecompressionBombError() | MemoryError():
            return f"{name} is too large to be read safely: {text}"
    return f"cannot read {name}; it is damaged, or of a form that is not known here: {text}"


def _from_bytes(data: bytes, name: str, page: int | None, salvage: bool) -> ImageFile:
    kind = STARTS.get(data[:3], "")
    if HEIF.match(data):
        kind = "AVIF" if b"avif" in data[8:64] else "HEIF"
    if page not in (None, 1) and kind != "TIFF":
        raise ImageError(f"has no page {page}; a TIFF has pages")
    if kind in LOADERS:
        return _by_vips(data, kind, name, page, salvage)
    from PIL import Image

    if kind == "HEIF":
        _prepare_heif(data)
        picture = Image.OPEN[kind][0](BytesIO(data), "")
        _check_size(*picture.size)
    else:
        picture = Image.open(BytesIO(data), formats=PIL_FORMATS)
    with picture:
        return _from_pil(picture, data, _bits(picture, data))


def _prepare_heif(data: bytes) -> None:
    """Has PIL read HEIC. Of items whose types are no text, with which pi-heif crashes, an error."""
    from PIL import Image

    if "HEIF" not in Image.OPEN:
        try:
            import_module("pi_heif").register_heif_opener()
        except ImportError:
            remedy = "which pi-heif reads: pip install 'inpaint-sdk[heic]'"
            raise ImageError(f"is a HEIC picture, {remedy}") from None
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
    tags, further, options = _choose_page(data, page) if kind == "TIFF" else ({}, False, {})
    if kind == "AVIF":  # of sizes beyond its own limit GLib prints a line
        for size in _SIZE.finditer(data):
            _check_size(*struct.unpack(">II", size[1]))
    attempts = [(data, "truncated")]
    if salvage and kind == "JPEG":  # grey from where it is cut; what is before a scan's tables
        attempts += [(data, "none"), (data[: data.rfind(b"\xff\xda")], "none")]
    problem = ""
    for content, fail_on in attempts:
        try:
            load = getattr(libvips.Image, f"{LOADERS[kind]}_buffer")
            image = load(content, access="sequential", fail_on=fail_on, **options)
            pixels, dropped = _computed(image, tags)
            break
        except UnicodeDecodeError:  # of a file's bytes in a message, which pyvips would then keep
            libvips.vips_lib.vips_error_clear()
            problem = problem or "the decoder's message is not text"
        except libvips.Error as reason:
            problem = problem or str(reason).strip().splitlines()[-1]
    else:
        raise ValueError(problem)
    if problem:
        if (pixels != 128).reshape(len(pixels), -1).any(axis=1).mean() < LEAST:
            raise ValueError(problem)
        told = f"{name}: what can be read is taken: {problem.strip()}"
        warnings.warn(told, MetadataWarning, stacklevel=2)

    found = {pil: image.get(name) for name, pil in FIELDS.items() if image.get_typeof(name)}
    if image.get_typeof("resolution-unit"):
        found["dpi"] = (image.xres * 25.4, image.yres * 25.4)
    if image.interpretation == "cmyk":  # the profile was applied
        found.pop("icc_profile", None)
    if kind == "AVIF" and pixels.dtype == np.uint16:  # their high bits, with which white is grey
        pixels |= pixels >> image.get("bits-per-sample")
    dropped += [FURTHER] * (further or data[4:12] == b"ftypavis")
    metadata, turn = read_metadata(kind, data, tags, found, dropped)
    # libvips turns an AVIF by its own properties, which its EXIF does not count beside.
    return ImageFile(orient_array(pixels, 1 if kind == "AVIF" else turn), metadata, kind)


def _libvips() -> Any:
    """The module pyvips. Its library brings a GLib of its own, which must not meet GStreamer's."""
    if "pyvips" in sys.modules:
        return import_module("pyvips")
    found = find_spec("_libvips")
    if found is not None and hasattr(os, "RTLD_DEEPBIND"):  # it looks for symbols in itself first
        with suppress(OSError):  # which the import tells of better
            CDLL(found.origin, os.RTLD_NOW | os.RTLD_DEEPBIND)
    libvips = import_module("pyvips")
    libvips.cache_set_max(0)  # it would keep pictures, each of which is decoded once
    return libvips


def _computed(image: pyvips.Image, tags: Directory) -> tuple[Pixels, list[str]]:
    """Colours or grey, and alpha; names of what is left out, and of the form that they had."""
    _check_size(image.width, image.height)
    form = image.interpretation
    colours = {"cmyk": 4, "b-w": 1, "grey16": 1}.get(form, 1 if image.bands < 3 else 3)
    further = image.bands - colours
    alpha = first(tags, 338, 2 * (further == 1))
    kept = int(further > 0 and alpha > 0)  # 0: of no known meaning, like a scanner's infrared
    if form == "cmyk" and image.format == "ushort":  # it would come back as other numbers
        raise ImageError("is CMYK of 16 bits a channel; convert it to 8 bits or to RGB")
    if image.format not in (("uchar",) if form == "cmyk" else TYPES):
        raise ImageError(f"is {form} of type {image.format}; convert it to 8 or 16 bits RGB")
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    palette = image.get_typeof("palette") or first(tags, 262, 0) == 3
    forms = {
        "further channels": kept < further,
        "CMYK colours": form == "cmyk",
        "palette": palette,
        f"{bits}-bit form": bits < 8 and not palette,
        "premultiplied alpha": kept and alpha == 1,  # as libvips divides colours by it
    }
    if kept < further:
        image = image.extract_band(0, n=colours + kept)
    if form == "cmyk":  # by the picture's profile, or else a usual one
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=8)
    region = _libvips().Region.new(image)
    pixels = np.empty((image.height, image.width, image.bands), TYPES[image.format])
    # The time that libvips takes grows with the square of the rows that are asked for, and what is
    # asked for is copied twice, from the cache if it is small.
    rows = min(512, max(1, STRIP_BYTES // pixels[0].nbytes))
    for top in range(0, image.height, rows):
        strip = pixels[top : top + rows]
        found = region.fetch(0, top, image.width, len(strip))
        strip[:] = np.frombuffer(found, pixels.dtype).reshape(strip.shape)
    if pixels.dtype.kind == "f":
        check_floats(pixels)
    dropped = [name for name, is_so in forms.items() if is_so]
    return pixels[..., 0] if image.bands == 1 else pixels, dropped


def _check_size(width: int, height: int) -> None:
    from PIL import Image as PILImage

    limit = PILImage.MAX_IMAGE_PIXELS
    if limit is not None and height * width > 2 * limit:
        told = f"more than twice PIL.Image.MAX_IMAGE_PIXELS ({limit}), which can be raised"
        raise PILImage.DecompressionBombError(f"{width}x{height} pixels are {told}")


def _choose_page(data: bytes, page: int | None) -> tuple[Directory, bool, dict[str, int]]:
    """A TIFF's tags, whether there are further pictures, and libvips' options for the page."""
    if not (pages := list(read_directories(data))):
        raise ValueError("it holds no picture")
    whole = [i for i, tags in enumerate(pages) if not first(tags, 254, 0) & 1]  # no previews
    # A version of DNG, or the colour filter of a sensor.
    if not whole or 50706 in pages[0] or first(pages[0], 262, 0) == 32803:
        raise ImageError(IS_RAW)
    if page is None and len(whole) > 1:
        by_name = "from 1 on: restore --page, or restore_file(page=...)"
        raise ImageError(f"holds {len(whole)} pictures; name one by its page, {by_name}")
    page = 1 if page is None else page
    if not 1 <= page <= len(whole):
        raise ImageError(f"has no page {page}; it has {len(whole)}")
    tags = pages[whole[page - 1]]
    if first(tags, 262, 0) in (8, 9, 10):  # of CIE, ICC and ITU
        raise ImageError("is in CIELAB; convert it to RGB")
    if _lacks_parts(tags, len(data)):  # libvips looks for each that is missing, and takes long
        raise ImageError("is damaged: it holds less than a picture of its size")
    return tags, len(pages) > 1 or 330 in tags, {"page": whole[page - 1]}  # 330: sub-directories


def _lacks_parts(tags: Directory, length: int) -> bool:
    """Whether a TIFF names fewer tiles, or strips, than it has, or is shorter than its pixels."""
    width, height = first(tags, 256, 0), first(tags, 257, 0)
    wide, high = first(tags, 322, width), first(tags, 323, first(tags, 278, height))
    offsets = tags.get(324, tags.get(273))
    parts = -(-width // max(1, wide)) * -(-height // max(1, high))
    pixels = width * height * first(tags, 258, 1) * first(tags, 277, 1) // 8
    # Of YCbCr, colours may have fewer pixels.
    plain = first(tags, 259, 1) == 1 and first(tags, 262, 0) != 6
    return (offsets is not None and offsets.number < parts) or (plain and pixels > length)


def _from_pil(picture: PILImage.Image, data: bytes = b"", bits: int = 8) -> ImageFile:
    mode, info, plain = picture.mode, picture.info, picture
    if any(";16" in str(tile) for tile in getattr(picture, "tile", ())) and mode != "I;16":
        raise ImageError(f"has 16 bits a channel, {NO_PIL}")
    if 0 in picture.size:
        raise ImageError(f"is empty: its size is {picture.width}x{picture.height}")
    # pi-heif tells of a HEIC's maps of depth and of light; an icon has several sizes.
    further = getattr(picture, "n_frames", 1) > 1 or info.get("depth_images") or info.get("aux")
    dropped = [FURTHER] * bool(further or len(info.get("sizes", ())) > 1)
    if mode in ("1", "P", "PA", "RGBa", "RGBX", "YCbCr"):
        alpha = mode in ("PA", "RGBa") or "transparency" in info
        plain = picture.convert("RGBA" if alpha else "L" if mode == "1" else "RGB")
        dropped.append({"1": "1-bit form", "P": "palette"}.get(mode, f"mode {mode}"))
    elif mode not in MODES:
        raise ImageError(
            f"has mode {mode}; only {', '.join(MODES)}, P and 1 can be restored. Convert it "
            'first: image.convert("RGB"); a CMYK file is converted by its profile'
        )
    pixels = orient_array(np.asarray(plain), picture.getexif().get(274, 1))
    if bits > 8 and pixels.dtype == np.uint8:
        dropped.append(f"{bits} bits a channel (8 are read)")
    found = {str(key): value for key, value in info.items()}
    kind = picture.format or ""
    metadata, _ = read_metadata(kind if data else "", data, {}, found, dropped)
    return ImageFile(pixels, metadata, kind)


def orient_array(pixels: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation (1 to 8)."""
    mirrored = pixels[:, ::-1] if orientation in (2, 4, 5, 7) else pixels
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(mirrored, quarters))
