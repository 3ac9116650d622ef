"""Directories of tags, of which TIFF files and EXIF blocks are both built (TIFF 6.0, BigTIFF).

Values keep their bytes, whatever they claim to be, so that what is written is what was read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)
"""EXIF, GPS, interoperability."""

INTEGERS = {1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8}
SIZES = {**INTEGERS, 2: 1, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 17: 8}
"""Bytes of one value, by the number of its type."""

HEADER = b"II*\0\x08\0\0\0"
"""Little-endian, with a directory behind it."""

STRIP_BYTES = 1 << 20


class Entry(NamedTuple):
    """A tag's value: its type's number, how many, and their bytes, little-endian.

    directory: in place of the bytes, for a tag that points at one. at: where the lowest byte of its
    first number was.
    """

    kind: int
    number: int
    data: bytes
    directory: dict[int, Any] | None = None
    at: int = 0

    def first(self) -> int:
        """The first value of an integer type; 0 for another."""
        return int.from_bytes(self.data[: INTEGERS.get(self.kind, 0)], "little")


Directory: TypeAlias = "dict[int, Entry]"


def first(tags: Directory, tag: int, default: int) -> int:
    """A tag's first value, as :meth:`Entry.first` has it, or the default where there is no such."""
    return tags[tag].first() if tag in tags else default


def read_directories(data: bytes) -> Iterator[Directory]:
    """The chain of directories: a TIFF's pages; an EXIF block's own and its thumbnail's.

    Tags that point outside are left out.

    Raises:
        ValueError, struct.error: it has no such header, or is damaged.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    version = struct.unpack_from(f"{order}H", data, 2)[0] if order else 0
    if version not in (42, 43):
        raise ValueError("it has no TIFF header")
    count, word, width = ("H", "I", 4) if version == 42 else ("Q", "Q", 8)
    step, left = 4 + 2 * width, 2 * len(data)  # to be read: each tag may claim the whole

    def read(at: int, depth: int) -> tuple[Directory, int]:
        nonlocal left
        entries: Directory = {}
        (number,) = struct.unpack_from(order + count, data, at)
        start = at + struct.calcsize(order + count)
        end = start + step * number
        for here in range(start, min(end, len(data) - step + 1), step):
            left -= step
            if left < 0:
                raise ValueError("its directories overlap")
            tag, kind, values = struct.unpack_from(f"{order}HH{word}", data, here)
            size, here = SIZES.get(kind, 0) * values, here + 4 + width
            if size > width:
                (here,) = struct.unpack_from(order + word, data, here)
            if not 0 < size <= min(left, len(data) - here):
                continue
            left -= size
            unit = 4 if kind in (5, 10) else SIZES[kind]
            value = np.frombuffer(data, f"{order}u{unit}", size // unit, here).astype(f"<u{unit}")
            lowest = here + (unit - 1 if order == ">" else 0)
            entry = Entry(kind, values, value.tobytes(), None, lowest)
            points = tag in SUB_DIRECTORIES and kind in (4, 13, 16, 18) and values == 1
            if points and depth < 2 and 8 <= entry.first() <= len(data) - width:
                entry = Entry(4, 1, b"", read(entry.first(), depth + 1)[0])
            entries.setdefault(tag, entry)
        return entries, end

    seen, at = {0}, struct.unpack_from(order + word, data, width)[0]
    while at not in seen and at + width <= len(data):
        seen.add(at)
        entries, after = read(at, 0)
        yield entries
        at = struct.unpack_from(order + word, data, after)[0] if after + width <= len(data) else 0


def build(entries: Directory, at: int = len(HEADER)) -> bytes:
    """The bytes of a directory that begins at an offset, with all that it points at."""
    head, tail, end = [struct.pack("<H", len(entries))], [], at + 2 + 12 * len(entries) + 4
    for tag, entry in sorted(entries.items()):
        data = entry.data if entry.directory is None else build(entry.directory, end)
        value = data.ljust(4, b"\0")
        if entry.directory is not None or len(data) > 4:
            value = struct.pack("<I", end)
            tail.append(data + b"\0" * (len(data) % 2))
            end += len(tail[-1])
        head.append(struct.pack("<HHI", tag, entry.kind, entry.number) + value)
    return b"".join([*head, bytes(4), *tail])


def write_tiff(pixels: NDArray[Any], tags: Directory) -> bytes:
    """A TIFF of pixels [H, W] or [H, W, 1 to 4] of integers or floats, in deflated strips."""
    height, width, count = (*pixels.shape, 1)[:3]
    rows = max(1, STRIP_BYTES // pixels[0].nbytes)
    pixels = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    tops = range(0, height, rows)
    strips = [zlib.compress(pixels[top : top + rows].tobytes(), 5) for top in tops]
    ends = np.cumsum([len(HEADER), *map(len, strips)]).tolist()
    shorts = {258: [8 * pixels.itemsize] * count, 259: [8], 262: [2 if count > 2 else 1]}
    shorts |= {277: [count], 284: [1], 339: [3 if pixels.dtype.kind == "f" else 1] * count}
    shorts |= {338: [2]} if count in (2, 4) else {}  # alpha that is not multiplied into colours
    longs = {256: [width], 257: [height], 273: ends[:-1], 278: [rows], 279: [*map(len, strips)]}
    own = {t: Entry(3, len(v), struct.pack(f"<{len(v)}H", *v)) for t, v in shorts.items()}
    own |= {t: Entry(4, len(v), struct.pack(f"<{len(v)}I", *v)) for t, v in longs.items()}
    at = ends[-1] + ends[-1] % 2
    body = b"".join(strips).ljust(at - len(HEADER), b"\0")
    return HEADER[:4] + struct.pack("<I", at) + body + build({**tags, **own}, at)
