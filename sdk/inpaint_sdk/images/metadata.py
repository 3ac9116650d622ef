"""What picture files carry beside pixels, and which formats can hold it."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image as PILImage

XMP_KEY = "XML:com.adobe.xmp"
"""Under which PNG files hold XMP."""

PHOTOSHOP = b"Photoshop 3.0\0"
"""At the start of the JPEG segment that holds IPTC."""

ORIENTATION, XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG, ICC_TAG = 274, 700, 33723, 34377, 34675
DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 316, 33432)
"""TIFF tags of text: description, make, model, software, date, artist, host, copyright."""

SUB_IFDS = (0x8769, 0x8825)
"""EXIF and GPS."""


class MetadataWarning(UserWarning):
    """A file's format cannot hold some of the metadata that its source had."""


@dataclass(frozen=True)
class Metadata:
    """What is kept from file to file; empty where a file has none.

    icc: colour profile. exif: an EXIF block, without orientation, which is applied when a picture
    is read. xmp: its XML. iptc: a JPEG's Photoshop segment or a TIFF's IPTC tag. dpi: horizontal
    and vertical resolution. text: a PNG's texts by key. comment: a JPEG's.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    comment: bytes = b""

    def lost_in(self, kind: str, *, deep: bool = False) -> list[str]:
        """Names of what a format cannot hold. deep: with more than 8 bits a channel."""
        kept = KEPT[kind + "16" if kind == "TIFF" and deep else kind]
        held = [f.name for f in fields(self) if getattr(self, f.name)]
        lost = [name for name in held if name not in kept]
        if kind == "TIFF" and deep and _has_sub_ifds(self.exif):
            lost.append("camera settings (EXIF)")
        return lost


KEPT: Mapping[str, frozenset[str]] = {
    "JPEG": frozenset({"icc", "exif", "xmp", "iptc", "dpi", "comment"}),
    "PNG": frozenset({"icc", "exif", "xmp", "dpi", "text"}),
    "WEBP": frozenset({"icc", "exif", "xmp"}),
    "TIFF": frozenset({"icc", "exif", "xmp", "iptc", "dpi"}),
    "TIFF16": frozenset({"icc", "exif", "xmp", "iptc", "dpi"}),
    "BMP": frozenset({"dpi"}),
}
"""What each format can hold."""


def read_metadata(picture: PILImage.Image) -> Metadata:
    """Of a PIL image as it was opened; an EXIF orientation is left out."""
    info = picture.info
    text = {k: str(v) for k, v in getattr(picture, "text", {}).items() if k != XMP_KEY}
    return Metadata(
        icc=info.get("icc_profile") or b"",
        exif=_exif_block(picture),
        xmp=_without_orientation(_bytes(info.get("xmp") or info.get(XMP_KEY) or b"")),
        iptc=_iptc(picture),
        dpi=_dpi(info.get("dpi")),
        text=text,
        comment=_bytes(info.get("comment") or b"") if picture.format == "JPEG" else b"",
    )


def save_options(metadata: Metadata, kind: str) -> dict[str, Any]:
    """Of PIL's ``save`` for a format: whatever of the metadata it can hold."""
    from PIL import Image, PngImagePlugin

    kept = KEPT[kind]
    options: dict[str, Any] = {}
    if "icc" in kept and metadata.icc:
        options["icc_profile"] = metadata.icc
    if "dpi" in kept and metadata.dpi:
        options["dpi"] = metadata.dpi
    if kind == "TIFF":
        exif = Image.Exif()
        if metadata.exif:
            exif.load(metadata.exif)
        for tag, data in ((XMP_TAG, metadata.xmp), (IPTC_TAG, metadata.iptc)):
            if data:
                exif[tag] = data
        options["exif"] = exif
        return options
    if "exif" in kept and metadata.exif:
        options["exif"] = metadata.exif
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        for key, value in metadata.text.items():
            texts.add_itxt(key, value) if not value.isascii() else texts.add_text(key, value)
        if metadata.xmp:
            texts.add_itxt(XMP_KEY, metadata.xmp.decode("utf-8", "replace"))
        options["pnginfo"] = texts
    elif "xmp" in kept and metadata.xmp:
        options["xmp"] = metadata.xmp
    if kind == "JPEG":
        if metadata.comment:
            options["comment"] = metadata.comment
        if metadata.iptc:
            segment = metadata.iptc
            options["extra"] = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    return options


def _exif_block(picture: PILImage.Image) -> bytes:
    from PIL import Image

    source = picture.getexif()
    tags = source
    if picture.format == "TIFF":  # whose own tags, of how pixels are stored, are there too
        tags = Image.Exif()
        for tag in DESCRIPTIVE:
            if tag in source:
                tags[tag] = source[tag]
    for tag in SUB_IFDS:
        ifd = source.get_ifd(tag)
        if ifd:
            tags[tag] = ifd
    tags.pop(ORIENTATION, None)
    return tags.tobytes() if len(tags) else b""


def _has_sub_ifds(exif: bytes) -> bool:
    from PIL import Image

    if not exif:
        return False
    tags = Image.Exif()
    tags.load(exif)
    return any(tags.get_ifd(tag) for tag in SUB_IFDS)


def _iptc(picture: PILImage.Image) -> bytes:
    if picture.format == "JPEG":
        for name, data in getattr(picture, "applist", ()):
            if name == "APP13" and data.startswith(PHOTOSHOP):
                return bytes(data)
    if picture.format == "TIFF":
        return _bytes(getattr(picture, "tag_v2", {}).get(IPTC_TAG, b""))
    return b""


def _without_orientation(xmp: bytes) -> bytes:
    """XMP without what it says of the orientation, as an attribute or as an element."""
    tag = rb"tiff:Orientation"
    return re.sub(rb"\s*" + tag + rb'="\d"|<' + tag + rb">\d</" + tag + rb">", b"", xmp)


def _dpi(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, tuple) or len(value) != 2 or not all(v > 0 for v in value):
        return None
    return float(value[0]), float(value[1])


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
