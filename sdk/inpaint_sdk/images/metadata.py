"""What picture files carry beside pixels, and which formats can hold it.

It keeps its bytes. All that changes is the orientation, which is applied to the pixels: each place
that tells of one tells of none. What a result's format cannot hold is named.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

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

PIL_TEXTS = XMP_TEXT, EXIF_TEXT = "XML:com.adobe.xmp", "Raw profile type exif"
"""Names of a PNG's texts in a PIL image's ``info`` that tell of an orientation."""

FURTHER = "further pictures"
FURTHER_PARTS = (b"\xe2MPF\0", b"acTL", b"fcTL", b"fdAT")
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd9-\xfe])")
_XMP_ORIENTATION = re.compile(
    rb"tiff:Orientation\s*=\s*[\"']\s*(\d)\s*[\"']|"
    rb"<tiff:Orientation>\s*(\d)\s*</tiff:Orientation>"
)


class Part(NamedTuple):
    """A JPEG's segment or a PNG's chunk; kind: a marker's second byte, or a chunk's name."""

    kind: bytes
    data: bytes


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

    def for_png(self) -> list[Part]:
        """Chunks of what a PNG can hold of any format's metadata."""
        dots = [round(value / 0.0254) for value in self.dpi or ()]  # a metre
        found = {
            b"iCCP": self.icc and b"profile\0\0" + zlib.compress(self.icc),
            b"pHYs": struct.pack(">IIB", *dots, 1) if dots else b"",
            b"eXIf": self.exif,
            b"iTXt": self.xmp and XMP_KEY + bytes(4) + self.xmp,
        }
        return [Part(kind, data) for kind, data in found.items() if data]

    def for_tiff(self) -> Directory:
        """Tags of what a TIFF can hold of any format's metadata."""
        exif = _exif_tags(self.exif)
        tags = {tag: entry for tag, entry in exif.items() if tag not in STORAGE_TAGS}
        blocks = {XMP_TAG: self.xmp, PHOTOSHOP_TAG: self.iptc, ICC_TAG: self.icc}
        tags |= {t: Entry(1 if t == XMP_TAG else 7, len(d), d) for t, d in blocks.items() if d}
        if self.dpi and 282 not in tags:
            for tag, dots in zip((282, 283), self.dpi, strict=True):
                tags[tag] = Entry(5, 1, struct.pack("<II", round(dots * 1000), 1000))
            tags[296] = Entry(3, 1, b"\2\0")  # inches
        return tags

    def lost_in(self, kind: str, *, same: bool) -> list[str]:
        """Names of what a result in a format lacks. same: that of the source."""
        kept = KEPT[kind] | ({"iptc"} if same else set())
        if kind == "TIFF" and not _exif_tags(self.exif):
            kept -= {"exif"}  # as it is damaged
        lost = [f.name for f in fields(self)[:5] if getattr(self, f.name) and f.name not in kept]
        lost += [] if same else map(_name, self.parts)
        return list(dict.fromkeys([*lost, *self.dropped]))


def jpeg_parts(data: bytes) -> tuple[list[Part], bytes]:
    """A JPEG's application segments and comments, and what is behind its first picture."""
    parts, at = [], 2
    while (found := _MARKER.search(data, at)) is not None and found[1] != b"\xd9":
        start = found.end()
        at = start + max(2, int.from_bytes(data[start : start + 2], "big"))
        if b"\xe0" <= found[1] <= b"\xef" or found[1] == b"\xfe":
            parts.append(Part(found[1], data[start + 2 : at]))
    return parts, b"" if found is None else data[found.end() :]


def segments(parts: Iterable[Part]) -> bytes:
    """A JPEG's segments as they stand in a file."""
    return b"".join(b"\xff" + p.kind + struct.pack(">H", len(p.data) + 2) + p.data for p in parts)


def png_parts(data: bytes) -> list[Part]:
    """A PNG's chunks, but for its header, pixels and end."""
    parts, at = [], 33
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if (kind := data[at + 4 : at + 8]) not in (b"IDAT", b"IEND"):
            parts.append(Part(kind, data[at + 8 : end]))
        at = end + 4
    return parts


def with_png_parts(data: bytes, parts: Iterable[Part]) -> bytes:
    """A PNG with chunks behind its header."""
    chunks = [data[:33]]
    for kind, body in parts:
        checksum = zlib.crc32(kind + body)
        chunks.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum))
    return b"".join([*chunks, data[33:]])


def read_metadata(
    kind: str, data: bytes, tags: Directory, info: dict[str, Any], dropped: list[str], form: str
) -> tuple[Metadata, int]:
    """A file's metadata, upright, and the orientation (1 to 8) that is to be applied.

    kind: JPEG, PNG, TIFF, or another. tags: of a TIFF's page. info: what PIL or libvips read, by
    PIL's names. dropped: names of what is left out already. form: of the pixels, if it is lost.
    """
    blocks = (info.get(name) for name in ("exif", "icc_profile", "xmp", XMP_TEXT))
    exif, icc, *both = (b.encode() if isinstance(b, str) else bytes(b or b"") for b in blocks)
    exif, xmp, dpi = exif.removeprefix(EXIF), both[0] or both[1], info.get("dpi")
    parts, rest = jpeg_parts(data) if kind == "JPEG" else ([], b"")
    if kind == "PNG":
        parts = png_parts(data)
    elif EXIF_TEXT in info:
        parts = [Part(b"tEXt", f"{EXIF_TEXT}\0{info[EXIF_TEXT]}".encode("latin-1", "replace"))]
    kept: list[Part] = []
    for part in parts:
        start, raw = part.kind + part.data[:40], _raw_profile(part)
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
    iptc = b"".join(p.data[len(PHOTOSHOP) :] for p in kept if p.data.startswith(PHOTOSHOP))
    if kind == "JPEG":  # of XMP libvips takes an extension for the whole
        xmp = next((p.data[len(XAP) :] for p in parts if p.data.startswith(XAP)), b"")
        if rest.strip(b"\0\xff\xd9\r\n") and not dropped:
            dropped.append("data behind the picture")
    elif kind == "TIFF":
        own = STORAGE_TAGS | {XMP_TAG, PHOTOSHOP_TAG, ICC_TAG, LAYERS_TAG}
        held = {tag: entry for tag, entry in tags.items() if tag not in own}
        pointers = [tag for tag, entry in held.items() if entry.kind == 13]
        exif = HEADER + build({t: e for t, e in held.items() if t not in pointers}) if held else b""
        iptc = tags[PHOTOSHOP_TAG].data if PHOTOSHOP_TAG in tags else b""
        dropped += ["Photoshop layers"] * (LAYERS_TAG in tags) + [f"tag {tag}" for tag in pointers]
    elif info.get("comment"):
        dropped.append("comment")
    exif, turn = upright_exif(exif)
    xmp, told = upright_xmp(xmp)
    if not (isinstance(dpi, tuple) and len(dpi) == 2 and all(0.5 < d < 65_000 for d in dpi)):
        dpi = None
    metadata = Metadata(icc, exif, xmp, iptc, dpi, tuple(kept), tuple(dropped), form)
    return metadata, turn or told or 1


def upright_exif(exif: bytes) -> tuple[bytes, int]:
    """An EXIF block that says "upright", and the orientation that it said; 0 if none."""
    entry = _exif_tags(exif).get(ORIENTATION)
    # Of more values than fit into the tag, the first may lie within another tag, or the header.
    if entry is None or len(entry.data) > 4 or entry.first() not in range(1, 9):
        return exif, 0
    return exif[: entry.at] + b"\1" + exif[entry.at + 1 :], entry.first()


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


def _name(part: Part) -> str:
    if len(part.kind) == 1:
        return "comment" if part.kind == b"\xfe" else f"APP{part.kind[0] - 0xE0}"
    return "text" if part.kind in (b"tEXt", b"zTXt", b"iTXt") else part.kind.decode("latin-1")


def _raw_profile(part: Part) -> bytes:
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
