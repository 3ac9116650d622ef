"""What picture files carry beside pixels, and which formats can hold it.

It keeps its bytes. All that changes is the orientation, which is applied to the pixels: each place
that tells of one tells of none. What a result's format cannot hold is named.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any, TypeAlias

from inpaint_sdk.images.ifd import HEADER, Directory, Entry, build, read_directories

Part: TypeAlias = bytes
"""A JPEG's segment from its marker's second byte on, or a chunk from its name on; without lengths
and checksums."""

EXIF, XAP, PHOTOSHOP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"\xedPhotoshop 3.0\0"
XMP_KEY = b"XML:com.adobe.xmp\0"
READ = (
    *(b"\xe1" + EXIF, b"\xe1" + XAP, b"\xe2ICC_PROFILE\0", b"\xe0JFIF\0", b"\xeeAdobe"),
    *(b"eXIf", b"iCCP", b"PLTE", b"tRNS", b"hIST", b"iTXt" + XMP_KEY),
    *(b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP ", b"jP  ", b"ftyp", b"jp2h"),
)
"""Parts that libvips or PIL reads, or that tell of how pixels are stored, by how they begin."""

PIXELS = (b"IDAT", b"IEND", b"VP8 ", b"VP8L", b"jp2c")
CHUNKS = {"PNG": (33, 0, 4, 1), "WEBP": (12, 0, 0, 2), "JPEG2000": (0, 8, 0, 1)}
"""Where a format's chunks begin. Of each chunk: bytes that its length counts beside what it holds,
bytes behind that, and what it is padded to a multiple of."""

COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
"""A PNG's chunks on how colours are shown, in whatever form they are stored."""

FURTHER = "further pictures"
FURTHER_PARTS = (b"\xe2MPF\0", b"acTL", b"fcTL", b"fdAT")

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

_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")  # with \xff+ it takes 16 times as long
_XMP_ORIENTATION = re.compile(
    rb"<?tiff:Orientation\s*(?:=\s*[\"']|>)\s*(\d)\s*(?:[\"']|</tiff:Orientation>)"
)


class MetadataWarning(UserWarning):
    """A picture file is not kept as it was: what its result lacks, or what was wrong with it."""


def warn_of_loss(name: str, lost: Iterable[str]) -> None:
    """Names what a file's result lacks, if there is anything, in a ``MetadataWarning``."""
    if told := ", ".join(dict.fromkeys(lost)):
        message = f"{name}: the result lacks the source's {told}"
        warnings.warn(message, MetadataWarning, stacklevel=2)


@dataclass(frozen=True)
class Metadata:
    """What is kept from file to file; empty where a file has none.

    icc: colour profile. exif: an EXIF block, from its TIFF header on; of a TIFF its tags. xmp: its
    XML. iptc: Photoshop's resources, of which IPTC is one. dpi: horizontal and vertical resolution.
    parts: what only the source's format can hold. dropped: names of what no result can, the form of
    the source's pixels among it.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None
    parts: tuple[Part, ...] = ()
    dropped: tuple[str, ...] = ()

    def pil_info(self) -> dict[str, Any]:
        """What there is of it, by PIL's names in an image's ``info`` and in ``Image.save``."""
        exif = EXIF + self.exif if self.exif else b""
        info = {"icc_profile": self.icc, "exif": exif, "xmp": self.xmp, "dpi": self.dpi}
        return {name: value for name, value in info.items() if value}

    def for_png(self) -> list[Part]:
        """Chunks of what a PNG can hold of any format's metadata."""
        from PIL import Image as PILImage

        info = {name: value for name, value in self.pil_info().items() if name != "xmp"}
        PILImage.new("1", (1, 1)).save(file := BytesIO(), "PNG", **info)
        xmp = [b"iTXt" + XMP_KEY + bytes(4) + self.xmp] if self.xmp else []
        return chunk_parts("PNG", file.getvalue())[0] + xmp

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
        if not (same and kind in ("JPEG", "PNG")):
            lost += [_name(part) for part in self.parts if not part.startswith(PHOTOSHOP)]
        return [*lost, *self.dropped]


def jpeg_parts(data: bytes) -> tuple[list[Part], bytes]:
    """A JPEG's application segments and comments, and what is behind its first picture."""
    parts, at = [], 2
    while (found := _MARKER.search(data, at)) is not None and found[1] != b"\xd9":
        start = found.end()
        at = start + max(2, int.from_bytes(data[start : start + 2], "big"))
        if b"\xe0" <= found[1] <= b"\xef" or found[1] == b"\xfe":
            parts.append(found[1] + data[start + 2 : at])
    return parts, b"" if found is None else data[found.end() :]


def segments(parts: Iterable[Part]) -> bytes:
    """A JPEG's segments as they stand in a file."""
    return b"".join(b"\xff" + p[:1] + struct.pack(">H", len(p) + 1) + p[1:] for p in parts)


def chunk_parts(kind: str, data: bytes) -> tuple[list[Part], bytes]:
    """A file's chunks, but for a PNG's header, pixels and end, and what is behind them."""
    at, counted, behind, unit = CHUNKS[kind]
    parts: list[Part] = []
    name = b""
    while at + 8 <= len(data) and name != b"IEND":
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == "WEBP":
            length, name = int.from_bytes(name, "little"), data[at : at + 4]
        start, end = at + 8, at + 8 + length - counted
        if not start <= end <= len(data) - behind:
            return parts, b"" if name in PIXELS else data[at:]
        if name not in PIXELS:
            parts.append(name + data[start:end])
        at = end + behind + length % unit
    return parts, data[at:]


def with_png_parts(data: bytes, parts: Iterable[Part]) -> bytes:
    """A PNG with chunks behind its header."""
    chunks = (struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts)
    return data[:33] + b"".join(chunks) + data[33:]


def read_metadata(
    kind: str, data: bytes, tags: Directory, info: dict[str, Any], dropped: list[str]
) -> tuple[Metadata, int]:
    """A file's metadata, upright, and the orientation (1 to 8) that is to be applied.

    kind: JPEG, PNG, TIFF, or another. tags: of a TIFF's page. info: what PIL or libvips read, by
    PIL's names. dropped: names of what is left out already.
    """
    blocks = (info.get(name) for name in ("exif", "icc_profile", "xmp"))
    exif, icc, xmp = (b.encode() if isinstance(b, str) else bytes(b or b"") for b in blocks)
    exif, dpi, kept = exif.removeprefix(EXIF), info.get("dpi"), []
    parts, rest = jpeg_parts(data) if kind == "JPEG" else ([], b"")
    if kind in CHUNKS and not data.startswith(b"\xff\x4f"):  # a JPEG 2000 without a container
        parts, rest = chunk_parts(kind, data)
    if EXIF_TEXT in info:
        parts = [f"tEXt{EXIF_TEXT}\0{info[EXIF_TEXT]}".encode("latin-1", "replace")]
    for part in parts:
        raw = _raw_profile(part)
        if part.startswith(FURTHER_PARTS):
            dropped.append(FURTHER)
        elif raw.startswith((EXIF, b"II", b"MM")):
            exif = exif or raw.removeprefix(EXIF)
        elif raw.startswith((XAP, b"<")):
            xmp = xmp or raw.removeprefix(XAP)
        elif part.startswith(b"pHYs") and part[12:] == b"\1":  # dots a metre
            dpi = tuple(dots * 0.0254 for dots in struct.unpack_from(">II", part, 4))
        elif part.startswith(b"iCCP") and not icc:
            dropped.append("damaged colour profile")
        elif part.startswith(b"jp2h") and b"colr\2" in part:
            dropped.append("colour profile")
        elif part.startswith(READ):
            continue
        # A small last letter says that a PNG's chunk does not depend on the pixels.
        elif kind != "PNG" or part.startswith(COLOUR_CHUNKS) or part[3:4].islower():
            kept.append(part)
        else:
            dropped.append(_name(part))
    if kind == "BMP" and data[14:18] == b"\x7c\0\0\0" and data[70:74] == b"DEBM":
        start, size = struct.unpack_from("<II", data, 126)  # of a profile, which PIL does not read
        icc = data[14 + start : 14 + start + size]
    if rest.strip(b"\0\xff\xd9\r\n") and FURTHER not in dropped:
        dropped.append("data behind the picture")
    iptc = b"".join(part[len(PHOTOSHOP) :] for part in kept if part.startswith(PHOTOSHOP))
    if kind == "JPEG":  # of XMP libvips takes an extension for the whole
        whole = b"\xe1" + XAP
        xmp = next((part[len(whole) :] for part in parts if part.startswith(whole)), b"")
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
    return Metadata(icc, exif, xmp, iptc, dpi, tuple(kept), tuple(dropped)), turn or told or 1


def upright_exif(exif: bytes) -> tuple[bytes, int]:
    """An EXIF block that says "upright", and the orientation that it said; 0 if none."""
    found = _exif_tags(exif).get(ORIENTATION)
    # Of more values than fit into the tag, the first may lie within another tag, or the header.
    if found is None or len(found.data) > 4 or found.first() not in range(1, 9):
        return exif, 0
    return exif[: found.at] + b"\1" + exif[found.at + 1 :], found.first()


def _exif_tags(exif: bytes) -> Directory:
    """The first directory of an EXIF block; none of one that is damaged."""
    try:
        return next(read_directories(exif), {})
    except (ValueError, struct.error):
        return {}


def upright_xmp(xmp: bytes) -> tuple[bytes, int]:
    """XMP with spaces in place of an orientation, and that; 0 if none. "Upright" stays."""
    found = _XMP_ORIENTATION.search(xmp)
    turn = int(found[1]) if found else 0
    if turn not in range(2, 9):
        return xmp, int(turn == 1)
    return _XMP_ORIENTATION.sub(lambda told: b" " * len(told[0]), xmp), turn


def _name(part: Part) -> str:
    if part[0] >= 0xE0:  # a JPEG's marker
        return "comment" if part[0] == 0xFE else f"APP{part[0] - 0xE0}"
    return "text" if part.startswith((b"tEXt", b"zTXt", b"iTXt")) else part[:4].decode("latin-1")


def _raw_profile(part: Part) -> bytes:
    """EXIF or XMP in a PNG's text, as ImageMagick writes it; else nothing."""
    key, _, text = part.partition(b"\0")
    if not key.startswith((b"tEXtRaw profile type", b"zTXtRaw profile type")):
        return b""
    try:
        if part.startswith(b"zTXt"):
            text = zlib.decompressobj().decompress(text[1:], 1 << 24)
        _, _, digits = text.split(maxsplit=2)  # behind a name and a length
        return bytes.fromhex(digits.decode())
    except (zlib.error, ValueError):
        return b""
