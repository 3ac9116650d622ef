"""The parts of JPEG and PNG files that are not pixels, taken out and put in as they are.

After ITU-T T.81 (JPEG) and the PNG specification, third edition (W3C).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """A JPEG's segment or a PNG's chunk; kind: a marker's second byte, or a chunk's name."""

    kind: bytes
    data: bytes


COMMENT = b"\xfe"
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd9-\xfe])")


def jpeg_parts(data: bytes) -> tuple[list[Part], bytes]:
    """A JPEG's application segments and comments, and what is behind its first picture."""
    parts, at = [], 2
    while (found := _MARKER.search(data, at)) is not None and found[1] != b"\xd9":
        (size,) = struct.unpack(">H", data[found.end() : found.end() + 2].rjust(2, b"\0"))
        at = found.end() + max(2, size)
        if b"\xe0" <= found[1] <= b"\xef" or found[1] == COMMENT:
            parts.append(Part(found[1], data[found.end() + 2 : at]))
    return parts, b"" if found is None else data[found.end() :]


def with_jpeg_parts(data: bytes, parts: Sequence[Part]) -> bytes:
    """A JPEG with segments at its beginning; one for JFIF replaces that which it has."""
    has_own = any(part.data.startswith(b"JFIF\0") for part in parts)
    start = 4 + struct.unpack(">H", data[4:6])[0] if data[2:4] == b"\xff\xe0" else 2
    segments = (b"\xff" + p.kind + struct.pack(">H", len(p.data) + 2) + p.data for p in parts)
    return data[: 2 if has_own else start] + b"".join(segments) + data[start:]


def png_parts(data: bytes) -> list[Part]:
    """A PNG's chunks, all but the pixels' and the end."""
    parts, at = [], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind not in (b"IDAT", b"IEND"):
            parts.append(Part(kind, data[at + 8 : at + 8 + size]))
        at += 12 + size
    return parts


def with_png_parts(data: bytes, parts: Sequence[Part]) -> bytes:
    """A PNG with chunks behind its header."""
    after_header = 33
    chunks = (
        struct.pack(">I", len(p.data))
        + p.kind
        + p.data
        + struct.pack(">I", zlib.crc32(p.kind + p.data))
        for p in parts
    )
    return data[:after_header] + b"".join(chunks) + data[after_header:]
