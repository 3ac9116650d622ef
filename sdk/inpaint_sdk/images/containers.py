"""The parts of JPEG and PNG files that are not pixels, taken out and put in as they are.

After ITU-T T.81 (JPEG) and the PNG specification, third edition (W3C).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd9-\xfe])")


class Part(NamedTuple):
    """A JPEG's segment or a PNG's chunk; kind: a marker's second byte, or a chunk's name."""

    kind: bytes
    data: bytes


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
