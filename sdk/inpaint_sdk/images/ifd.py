"""Directories of tags, in TIFF files and in EXIF blocks, which are built alike.

After TIFF 6.0 and, for files over 4 GB, BigTIFF. Values keep their bytes, whatever type they claim
to be of, so that what is written again is what was read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

ORIENTATION = 274
SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)
"""EXIF, GPS, interoperability."""

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8}
"""Bytes of one value, by the number of its type."""

STRIP_BYTES = 1 << 20

HEADER = b"II*\0\x08\0\0\0"
"""Of what is written: little-endian, the first directory right behind."""


@dataclass(frozen=True)
class Entry:
    """A tag's value: its type's number, how many, and their bytes, little-endian.

    directory: in place of the bytes, for a tag that points at one. at: where the bytes were.
    """

    kind: int
    count: int
    data: bytes
    directory: Directory | None = None
    at: int = 0

    def numbers(self) -> list[int]:
        """Values of an integer type; none for any other."""
        code = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8"}.get(self.kind)
        return [] if code is None else np.frombuffer(self.data, f"<{code}").tolist()


Directory: TypeAlias = "dict[int, Entry]"


class Reader:
    """The directories of a file or block; tags that point outside of it are left out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        if not self._order or len(data) < 8:
            raise ValueError("it has no TIFF header")
        self.big = self._get("H", 2) == 43
        self._left = 2 * len(data)  # bytes to be copied: damaged tags may all claim the whole file

    def directories(self) -> Iterator[Directory]:
        """The chain of directories: a TIFF's pages; an EXIF block's own and its thumbnail's."""
        seen = {0}
        at = self._get("Q", 8) if self.big else self._get("I", 4)
        while at not in seen and at + 2 <= len(self._data):
            seen.add(at)
            entries, after = self.directory(at)
            yield entries
            word, size = ("Q", 8) if self.big else ("I", 4)
            at = self._get(word, after) if after + size <= len(self._data) else 0

    def directory(self, at: int, depth: int = 0) -> tuple[Directory, int]:
        """The directory at an offset, and where it ends."""
        count_word, word, start, step = ("Q", "Q", 8, 20) if self.big else ("H", "I", 2, 12)
        count = self._get(count_word, at)
        entries: Directory = {}
        for index in range(min(count, (len(self._data) - at - start) // step)):
            here = at + start + index * step
            tag, kind, number = struct.unpack_from(f"{self._order}HH{word}", self._data, here)
            entry = self._entry(tag, kind, number, here + 4 + struct.calcsize(word), depth)
            if entry is not None:
                entries.setdefault(tag, entry)
        return entries, at + start + count * step

    def _entry(self, tag: int, kind: int, count: int, at: int, depth: int) -> Entry | None:
        room = 8 if self.big else 4
        size = SIZES.get(kind, 0) * count
        if size > room:
            at = self._get("Q" if self.big else "I", at)
        if not size or at + size > len(self._data) or size > self._left:
            return None
        self._left -= size
        data = self._data[at : at + size]
        if self._order == ">":
            width = {5: 4, 10: 4}.get(kind, SIZES[kind])
            data = np.frombuffer(data, f">u{width}").astype(f"<u{width}").tobytes()
        entry = Entry(kind, count, data, at=at)
        if tag in SUB_DIRECTORIES and depth < 2 and count == 1 and kind in (4, 13, 18):
            (where,) = entry.numbers()[:1] or (0,)
            if 8 <= where <= len(self._data) - 2:
                return Entry(4, 1, b"", self.directory(where, depth + 1)[0])
        return entry

    def _get(self, word: str, at: int) -> int:
        (value,) = struct.unpack_from(self._order + word, self._data, at)
        return int(value)


def build(entries: Directory, at: int) -> bytes:
    """The bytes of a directory that begins at an offset, with all that it points at."""
    head = [struct.pack("<H", len(entries))]
    tail, end = [], at + 2 + 12 * len(entries) + 4
    for tag, entry in sorted(entries.items()):
        data = entry.data if entry.directory is None else build(entry.directory, end)
        if entry.directory is not None or len(data) > 4:
            value = struct.pack("<I", end)
            tail.append(data + b"\0" * (len(data) % 2))
            end += len(tail[-1])
        else:
            value = data.ljust(4, b"\0")
        head.append(struct.pack("<HHI", tag, entry.kind, entry.count) + value)
    return b"".join([*head, bytes(4), *tail])


def block(entries: Directory) -> bytes:
    """An EXIF block, or nothing for no entries."""
    return HEADER + build(entries, len(HEADER)) if entries else b""


def write_tiff(pixels: NDArray[Any], tags: Directory) -> bytes:
    """A TIFF of pixels [H, W] or [H, W, 1 to 4] of integers or floats, in compressed strips."""
    height, width, count = (*pixels.shape, 1)[:3]
    rows = max(1, STRIP_BYTES // pixels[0].nbytes)
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    strips = [
        zlib.compress(little[top : top + rows].tobytes(), 5) for top in range(0, height, rows)
    ]
    strips = [strip + b"\0" * (len(strip) % 2) for strip in strips]
    sizes = [len(strip) for strip in strips]
    offsets = [len(HEADER) + sum(sizes[:index]) for index in range(len(sizes))]
    values = {
        256: [width],
        257: [height],
        258: [8 * pixels.itemsize] * count,
        259: [8],  # deflate
        262: [2 if count >= 3 else 1],  # RGB, or black is zero
        273: offsets,
        277: [count],
        278: [rows],
        279: sizes,
        284: [1],  # channels side by side
        339: [3 if pixels.dtype.kind == "f" else 1] * count,
    }
    if count in (2, 4):
        values[338] = [2]  # alpha that is not multiplied into the colours
    own = {tag: Entry(4, len(v), struct.pack(f"<{len(v)}I", *v)) for tag, v in values.items()}
    for tag in (258, 259, 262, 277, 284, 338, 339):
        if tag in own:
            own[tag] = Entry(3, own[tag].count, struct.pack(f"<{own[tag].count}H", *values[tag]))
    at = len(HEADER) + sum(sizes)
    header = HEADER[:4] + struct.pack("<I", at)
    return b"".join([header, *strips, build({**tags, **own}, at)])
