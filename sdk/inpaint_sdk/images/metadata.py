"""What picture files carry beside pixels, and which formats can hold it.

It keeps its bytes. All that changes is the orientation, which is applied to the pixels: each place
that tells of one tells of none. What a result's format cannot hold is named.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from inpaint_sdk.images.containers import Part, jpeg_parts, png_parts
from inpaint_sdk.images.ifd import HEADER, Directory, Entry, build, read_directories

EXIF, XAP, PHOTOSHOP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
"""At the start of a JPEG's segments of EXIF, XMP and IPTC."""

XMP_KEY = b"XML:com.adobe.xmp\0"
READ = (
    *(b"\xe1" + EXIF, b"\xe1" + XAP, b"\xe2ICC_PROFILE\0", b"\xe0JFIF\0", b"\xeeAdobe"),
    *(b"eXIf", b"iCCP", b"PLTE", b"tRNS", b"hIST", b"iTXt" + XMP_KEY),
)
"""Parts that libvips reads, or that tell of how pixels are stored, by how they begin."""

COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
"""A PNG's chunks on how colours are shown, in whatever form they are stored."""

ORIENTATION, XMP_TAG, PHOTOSHOP_TAG, ICC_TAG, LAYERS_TAG = 274, 700, 34377, 34675, 37724
STORAGE_TAGS = frozenset({*range(254, 348), *range(512, 533)}) - frozenset(
    {269, 270, 271, 272, 274, 282, 283, 285, 296, 301, 305, 306, 315, 316, 318, 319}
)
"""A TIFF's tags of how its pixels are stored, which a result has its own of."""

_USUAL = frozenset({"icc", "exif", "xmp", "dpi"})
KEPT = {"JPEG": _USUAL, "PNG": _USUAL, "TIFF": _USUAL | {"iptc"}}
KEPT |= {"WEBP": _USUAL - {"dpi"}, "BMP": frozenset({"dpi"})}
"""What each format that is written can hold of another's."""

PIL_TEXTS = ("XML:com.adobe.xmp", "Raw profile type exif")
"""Names of a PNG's texts in a PIL image's ``info`` that tell of an orientation."""

FURTHER = "further pictures"
FURTHER_PARTS = (b"\xe2MPF\0", b"acTL", b"fcTL", b"fdAT")
_XMP_ORIENTATION = re.compile(
    rb"tiff:Orientation\s*=\s*[\"']\s*(\d)\s*[\"']|"
    rb"<tiff:Orientation>\s*(\d)\s*</tiff:Orientation>"
)


class MetadataWarning(UserWarning):
    """A picture file is not kept as it was: what its result lacks, or what was wrong with it."""


@dataclass(frozen=True)
class Metadata:
    """What is kept from file to file; empty where a file has none.

    icc: colour profile. exif: an EXIF block, from its TIFF header on; of a TIFF its tags. xmp: its
    XML. iptc: Photoshop's resources, of which IPTC is one. dpi: horizontal and vertical resolution.
    parts: what only the source's format can hold. dropped: names of what no result can. converted:
    the form of the source's pixels, if no result has it.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None
    parts: tuple[Part, ...] = ()
    dropped: tuple[str, ...] = ()
    converted: str = ""

    def pil_info(self) -> dict[str, Any]:
        """What there is of it, by PIL's names in an image's ``info`` and in ``Image.save``."""
        exif = EXIF + self.exif if self.exif else b""
        info = {"icc_profile": self.icc, "exif": exif, "xmp": self.xmp, "dpi": self.dpi}
        return {name: value for name, value in info.items() if value}

    def lost_in(self, kind: str, *, same: bool) -> list[str]:
        """Names of what a result in a format lacks. same: that of the source."""
        kept = KEPT[kind] | ({"iptc"} if same else set())
        if kind == "TIFF" and not _exif_tags(self.exif):
            kept -= {"exif"}  # as it is damaged
        lost = [f.name for f in fields(self)[:5] if getattr(self, f.name) and f.name not in kept]
        return list(
            dict.fromkeys([*lost, *(() if same else map(_name, self.parts)), *self.dropped])
        )


def read_metadata(
    kind: str, data: bytes, tags: Directory, get: Callable[[str], Any]
) -> tuple[Metadata, int]:
    """A file's metadata, upright, and the orientation (1 to 8) that is to be applied.

    kind: JPEG, PNG, TIFF, or another. tags: of a TIFF's page. get: gives what libvips or PIL read,
    by its name in libvips.
    """
    exif, xmp = _bytes(get("exif-data")).removeprefix(EXIF), _bytes(get("xmp-data"))
    icc, dpi = _bytes(get("icc-profile-data")), get("dpi")
    kept: list[Part] = []
    dropped: list[str] = []
    parts, rest = jpeg_parts(data) if kind == "JPEG" else ([], b"")
    for part in png_parts(data) if kind == "PNG" else parts:
        start, raw = part.kind + part.data[:40], raw_profile(part)
        if start.startswith(FURTHER_PARTS):
            dropped.append(FURTHER)
        elif raw.startswith((EXIF, b"II", b"MM")):
            exif = exif or raw.removeprefix(EXIF)
        elif raw.startswith((XAP, b"<")):
            xmp = xmp or raw.removeprefix(XAP)
        elif part.kind == b"pHYs" and part.data[8:] == b"\1":
            across, down = struct.unpack_from(">II", part.data)  # dots a metre
            dpi = (across * 0.0254, down * 0.0254)
        elif part.kind == b"iCCP" and not icc:
            dropped.append("damaged colour profile")
        elif start.startswith(READ):
            continue
        # A small last letter says that a chunk does not depend on the pixels.
        elif kind == "PNG" and part.kind not in COLOUR_CHUNKS and not part.kind[3:].islower():
            dropped.append(_name(part))
        else:
            kept.append(part)
    if kind == "JPEG":  # of XMP libvips takes an extension for the whole
        xmp = next((p.data[len(XAP) :] for p in parts if p.data.startswith(XAP)), b"")
        if rest.strip(b"\0\xff\xd9\r\n") and not dropped:
            dropped.append("data behind the picture")
    elif kind == "TIFF":
        own = STORAGE_TAGS | {XMP_TAG, PHOTOSHOP_TAG, ICC_TAG, LAYERS_TAG}
        held = {tag: entry for tag, entry in tags.items() if tag not in own}
        pointers = [tag for tag, entry in held.items() if entry.kind == 13]
        exif = HEADER + build({t: e for t, e in held.items() if t not in pointers}) if held else b""
        dropped += ["Photoshop layers"] * (LAYERS_TAG in tags) + [f"tag {tag}" for tag in pointers]
    elif get("comment"):
        dropped.append("comment")
    shop = b"".join(p.data[len(PHOTOSHOP) :] for p in kept if p.data.startswith(PHOTOSHOP))
    exif, turn = upright_exif(exif)
    xmp, told = upright_xmp(xmp)
    iptc = shop or _bytes(get("photoshop-data"))
    if not (isinstance(dpi, tuple) and len(dpi) == 2 and all(0.5 < d < 65_000 for d in dpi)):
        dpi = None
    return Metadata(icc, exif, xmp, iptc, dpi, tuple(kept), tuple(dropped)), turn or told or 1


def upright_exif(exif: bytes) -> tuple[bytes, int]:
    """An EXIF block that says "upright", and the orientation that it said; 0 if none."""
    entry = _exif_tags(exif).get(ORIENTATION)
    if entry is None or entry.first() not in range(1, 9):
        return exif, 0
    at = entry.at + (len(entry.data) - 1 if exif[:2] == b"MM" else 0)  # its lowest byte
    return exif[:at] + b"\1" + exif[at + 1 :], entry.first()


def _exif_tags(exif: bytes) -> Directory:
    """The first directory of an EXIF block; none of one that is damaged."""
    try:
        return next(read_directories(exif), {})
    except (ValueError, struct.error):
        return {}


def upright_xmp(xmp: bytes) -> tuple[bytes, int]:
    """XMP with spaces in place of an orientation, and that; 0 if none. "Upright" stays."""
    found = _XMP_ORIENTATION.search(xmp)
    turn = int(found[1] or found[2]) if found else 0
    if turn not in range(2, 9):
        return xmp, int(turn == 1)
    return _XMP_ORIENTATION.sub(lambda told: b" " * len(told[0]), xmp), turn


def parts_for_png(metadata: Metadata) -> list[Part]:
    """Chunks of what a PNG can hold of any format's metadata."""
    parts = []
    if metadata.icc:
        parts.append(Part(b"iCCP", b"profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        dots = (round(value / 0.0254) for value in metadata.dpi)  # a metre
        parts.append(Part(b"pHYs", struct.pack(">IIB", *dots, 1)))
    if metadata.exif:
        parts.append(Part(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(Part(b"iTXt", XMP_KEY + bytes(4) + metadata.xmp))
    return parts


def tags_for_tiff(metadata: Metadata) -> Directory:
    """Tags of what a TIFF can hold of any format's metadata."""
    exif = _exif_tags(metadata.exif)
    tags = {tag: entry for tag, entry in exif.items() if tag not in STORAGE_TAGS}
    blocks = {XMP_TAG: metadata.xmp, PHOTOSHOP_TAG: metadata.iptc, ICC_TAG: metadata.icc}
    tags |= {t: Entry(1 if t == XMP_TAG else 7, len(d), d) for t, d in blocks.items() if d}
    if metadata.dpi and 282 not in tags:
        for tag, dots in zip((282, 283), metadata.dpi, strict=True):
            tags[tag] = Entry(5, 1, struct.pack("<II", round(dots * 1000), 1000))
        tags[296] = Entry(3, 1, b"\2\0")  # inches
    return tags


def _name(part: Part) -> str:
    if len(part.kind) == 1:
        return "comment" if part.kind == b"\xfe" else f"APP{part.kind[0] - 0xE0}"
    return "text" if part.kind in (b"tEXt", b"zTXt", b"iTXt") else part.kind.decode("latin-1")


def raw_profile(part: Part) -> bytes:
    """EXIF or XMP in a PNG's text, as ImageMagick writes it; else nothing."""
    key, _, text = part.data.partition(b"\0")
    if part.kind not in (b"tEXt", b"zTXt") or not key.startswith(b"Raw profile type"):
        return b""
    try:
        if part.kind == b"zTXt":
            text = zlib.decompressobj().decompress(text[1:], 1 << 24)
        _, _, digits = text.split(maxsplit=2)  # behind a name and a length
        return bytes.fromhex(digits.decode())
    except (zlib.error, ValueError):
        return b""


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")
