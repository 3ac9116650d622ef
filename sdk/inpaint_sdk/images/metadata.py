"""What picture files carry beside pixels, and which formats can hold it.

A result in its source's format gets the source's own parts, byte for byte: all that changes is the
orientation, which is applied to the pixels, so each place that tells of one tells of none. Another
format gets what it can hold; the rest is named.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from inpaint_sdk.images.containers import COMMENT, Part, jpeg_parts, png_parts
from inpaint_sdk.images.ifd import ORIENTATION, Directory, Entry, Reader, block

EXIF, PHOTOSHOP, ICC = b"Exif\0\0", b"Photoshop 3.0\0", b"ICC_PROFILE\0"
"""At the start of a JPEG's segments of EXIF, of IPTC, and of a piece of the colour profile."""

KNOWN_SEGMENTS = (EXIF, PHOTOSHOP, ICC, b"JFIF\0", b"http://ns.adobe.com/xap/1.0/\0")
KNOWN_CHUNKS = (b"eXIf", b"iCCP", b"pHYs", b"sRGB")
COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI")
"""A PNG's chunks that tell of the colours, whatever form the pixels have."""

XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG, ICC_TAG, LAYERS_TAG = 700, 33723, 34377, 34675, 37724
EXIF_TAGS = frozenset({*range(270, 273), 282, 283, 296, 305, 306, 315, 316, 33432, 34665, 34853})
"""A TIFF's tags that an EXIF block has too."""

STORAGE_TAGS = frozenset(
    {
        254,
        255,
        *range(256, 260),
        *range(262, 267),
        273,
        274,
        *range(277, 282),
        284,
        *range(288, 294),
    }
    | {297, 317, *range(320, 326), 330, *range(332, 342), 347, *range(512, 522), *range(529, 533)}
)
"""A TIFF's tags of how its pixels are stored, which a result has its own of."""

FURTHER = "further pictures"

KEPT: Mapping[str, frozenset[str]] = {
    "JPEG": frozenset({"icc", "exif", "xmp", "iptc", "dpi"}),
    "PNG": frozenset({"icc", "exif", "xmp", "dpi"}),
    "WEBP": frozenset({"icc", "exif", "xmp"}),
    "TIFF": frozenset({"icc", "exif", "xmp", "iptc", "dpi"}),
    "BMP": frozenset({"dpi"}),
}
"""What each format that is written can hold of another's."""

XMP_ORIENTATION = re.compile(
    rb"tiff:Orientation\s*=\s*[\"']\s*(\d)\s*[\"']|"
    rb"<tiff:Orientation>\s*(\d)\s*</tiff:Orientation>"
)
RAW_PROFILE = re.compile(rb"\s*(?:exif|APP1|xmp|generic)\s+\d+\s\s*((?:[0-9A-Fa-f]{2}\s*)+)\Z")
"""EXIF or XMP in a PNG's text, as ImageMagick writes it."""


class MetadataWarning(UserWarning):
    """A picture file is not kept as it was: what its result lacks, or what was wrong with it."""


@dataclass(frozen=True)
class Metadata:
    """What is kept from file to file; empty where a file has none.

    icc: colour profile. exif: an EXIF block, from its TIFF header on. xmp: its XML. iptc: Photoshop
    resources, of which IPTC is one. dpi: horizontal and vertical resolution. parts, tags: a JPEG's
    segments or a PNG's chunks; a TIFF's tags. own: names of what only the source's format can hold.
    dropped: names of what no result holds. converted: the form that the pixels had, if no result's.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None
    parts: tuple[Part, ...] = ()
    tags: Directory = field(default_factory=dict)
    own: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    converted: str = ""

    def lost_in(self, kind: str, *, same: bool) -> list[str]:
        """Names of what a result in a format lacks. same: that of the source."""
        held = [f.name for f in fields(self)[:5] if getattr(self, f.name)]
        others = [] if same else [*(n for n in held if n not in KEPT[kind]), *self.own]
        return list(dict.fromkeys([*others, *self.dropped]))

    def without_profile(self) -> Metadata:
        """For pixels that were converted from the profile's colours."""
        parts = tuple(p for p in self.parts if not p.data.startswith(ICC) and p.kind != b"iCCP")
        tags = {tag: entry for tag, entry in self.tags.items() if tag != ICC_TAG}
        return replace(self, icc=b"", parts=parts, tags=tags)


def read_metadata(
    kind: str, data: bytes, tags: Directory, get: Callable[[str], Any]
) -> tuple[Metadata, int]:
    """A file's metadata, upright, and the orientation (1 to 8) that is to be applied.

    tags: of a TIFF's page. get: gives what libvips or PIL read, by its name in libvips.
    """
    exif, turn = upright_exif(_bytes(get("exif-data")).removeprefix(EXIF))
    xmp, told = upright_xmp(_bytes(get("xmp-data")))
    iptc = _bytes(get("photoshop-data") or get("iptc-data")).removeprefix(PHOTOSHOP)
    if iptc and not iptc.startswith(b"8BIM"):
        iptc = b"8BIM\4\4\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    dpi = get("dpi")
    common = Metadata(_bytes(get("icc-profile-data")), exif, xmp, iptc, dpi)
    if kind == "TIFF":
        turns = tags[ORIENTATION].numbers() if ORIENTATION in tags else []
        return _of_tiff(common, tags), turns[0] if turns and turns[0] in range(1, 9) else told or 1
    if kind not in ("JPEG", "PNG"):
        return replace(common, own=("comment",) if get("comment") else ()), turn or told or 1
    kept, own, dropped, places = [], [], [], [(0, turn), (1, told)]
    parts, rest = jpeg_parts(data) if kind == "JPEG" else (png_parts(data)[1:], b"")
    for part in parts:
        fate, name = _fate_of_segment(part) if kind == "JPEG" else _fate_of_chunk(part)
        if fate == "kept":
            part, trust, turn = _upright(part)
            places.append((trust, turn))
            kept.append(part)
            own += [name] if name else []
        else:
            dropped += [name] if name else []
    if rest.strip(b"\0\xff\xd9\r\n") and not dropped:
        dropped.append("data behind the picture")
    turn = next((turn for _, turn in sorted(places) if turn), 1)
    return replace(common, parts=tuple(kept), own=tuple(own), dropped=tuple(dropped)), turn


def _fate_of_segment(part: Part) -> tuple[str, str]:
    """Whether a JPEG's segment is kept, and its name if it is not kept everywhere."""
    if part.data.startswith(b"MPF\0"):
        return "dropped", FURTHER
    if part.kind == b"\xee" and part.data.startswith(b"Adobe"):
        return "dropped", ""  # of how colours are stored
    known = part.data.startswith(KNOWN_SEGMENTS)
    name = "comment" if part.kind == COMMENT else f"APP{part.kind[0] - 0xE0}"
    return "kept", "" if known else name


def _fate_of_chunk(part: Part) -> tuple[str, str]:
    """The same for a PNG's chunk; a small last letter says that it does not depend on pixels."""
    name = part.kind.decode("latin-1")
    if part.kind in (b"acTL", b"fcTL", b"fdAT"):
        return "dropped", FURTHER
    if part.kind in (b"PLTE", b"tRNS", b"hIST"):
        return "dropped", ""  # the result has colours, and transparency as alpha
    if part.kind in KNOWN_CHUNKS or part.data.startswith(b"XML:com.adobe.xmp\0"):
        return "kept", ""
    if part.kind in (b"tEXt", b"zTXt", b"iTXt"):
        return "kept", "text"
    return "kept" if part.kind in COLOUR_CHUNKS or part.kind[3:].islower() else "dropped", name


def _of_tiff(common: Metadata, tags: Directory) -> Metadata:
    kept = {tag: entry for tag, entry in tags.items() if tag not in STORAGE_TAGS}
    dropped = ["Photoshop layers"] if kept.pop(LAYERS_TAG, None) else []
    for tag in [tag for tag, entry in kept.items() if entry.kind in (13, 18)]:
        dropped.append(f"tag {tag}")  # points at what is not copied
        del kept[tag]
    if XMP_TAG in kept:
        kept[XMP_TAG] = replace(kept[XMP_TAG], data=upright_xmp(kept[XMP_TAG].data)[0])
    exif = {tag: entry for tag, entry in kept.items() if tag in EXIF_TAGS}
    others = kept.keys() - EXIF_TAGS - {XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG, ICC_TAG}
    own = tuple(f"tag {tag}" for tag in sorted(others))
    return replace(common, exif=block(exif), tags=kept, own=own, dropped=tuple(dropped))


def upright_exif(exif: bytes) -> tuple[bytes, int]:
    """An EXIF block that says "upright", and the orientation that it said; 0 if none."""
    try:
        entry = next(Reader(exif).directories(), {}).get(ORIENTATION)
    except (ValueError, struct.error):
        return exif, 0
    if entry is None or entry.numbers()[:1] not in ([n] for n in range(1, 9)):
        return exif, 0
    at = entry.at + (len(entry.data) - 1 if exif[:2] == b"MM" else 0)  # its lowest byte
    return exif[:at] + b"\1" + exif[at + 1 :], entry.numbers()[0]


def upright_xmp(xmp: bytes) -> tuple[bytes, int]:
    """XMP with spaces in place of an orientation, and that; 0 if none. "Upright" is left as is."""
    found = XMP_ORIENTATION.search(xmp)
    turn = int(found[1] or found[2]) if found else 0
    if turn not in range(2, 9):
        return xmp, int(turn == 1)
    return XMP_ORIENTATION.sub(lambda told: b" " * len(told[0]), xmp), turn


def _upright(part: Part) -> tuple[Part, int, int]:
    """A part that tells of no orientation, how far such a place is to be trusted, and that."""
    start = 0
    if part.kind == b"zTXt":
        start = part.data.find(b"\0") + 2
    elif part.kind == b"iTXt" and part.data.partition(b"\0")[2][:1] == b"\1":
        start = len(part.data) - len(part.data.split(b"\0", 1)[1][2:].split(b"\0", 2)[-1])
    body = _inflate(part.data[start:]) if start else part.data
    text = body.partition(b"\0")[2] if part.kind == b"tEXt" else body
    raw = RAW_PROFILE.match(text) if part.kind in (b"tEXt", b"zTXt", b"iTXt") else None
    held = bytes.fromhex(raw[1].decode()) if raw else body
    prefix = EXIF if held.startswith(EXIF) else b""
    is_exif = prefix or part.kind == b"eXIf" or (raw and held[:2] in (b"II", b"MM"))
    changed, turn = (upright_exif if is_exif else upright_xmp)(held[len(prefix) :])
    if turn < 2:
        return part, int(not is_exif), turn
    changed = prefix + changed
    if raw:
        digits = iter(changed.hex().encode())
        lines = re.sub(rb"\S", lambda _: bytes([next(digits)]), raw[1])
        changed = body[: len(body) - len(text)] + text[: raw.start(1)] + lines
    data = part.data[:start] + zlib.compress(changed) if start else changed
    return Part(part.kind, data), int(not is_exif), turn


def parts_for_png(metadata: Metadata) -> Sequence[Part]:
    """Chunks of what a PNG can hold of another format's metadata."""
    parts = []
    if metadata.icc:
        parts.append(Part(b"iCCP", b"profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        dots = (round(value / 0.0254) for value in metadata.dpi)  # a metre
        parts.append(Part(b"pHYs", struct.pack(">IIB", *dots, 1)))
    if metadata.exif:
        parts.append(Part(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(Part(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + metadata.xmp))
    return parts


def tags_for_tiff(metadata: Metadata) -> Directory:
    """Tags of what a TIFF can hold of another format's metadata."""
    exif = next(Reader(metadata.exif).directories(), {}) if metadata.exif else {}
    tags = {tag: entry for tag, entry in exif.items() if tag not in STORAGE_TAGS}
    blocks = {XMP_TAG: metadata.xmp, PHOTOSHOP_TAG: metadata.iptc, ICC_TAG: metadata.icc}
    tags |= {t: Entry(1 if t == XMP_TAG else 7, len(d), d) for t, d in blocks.items() if d}
    if metadata.dpi:
        for tag, dots in zip((282, 283), metadata.dpi, strict=True):
            tags[tag] = Entry(5, 1, struct.pack("<II", round(dots * 1000), 1000))
        tags[296] = Entry(3, 1, b"\2\0")  # inches
    return tags


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, 16 << 20)
    except zlib.error:
        return b""


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")
