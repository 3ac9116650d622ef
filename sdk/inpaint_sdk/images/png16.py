"""Writes PNG files of 16 bits a channel with metadata, which neither PIL nor OpenCV can.

After the PNG specification, third edition (W3C).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.metadata import XMP_KEY, Metadata

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By the number of channels: grey, grey and alpha, RGB, RGB and alpha."""

LEVEL = 5
STRIP = 256
"""Rows that are compressed at a time."""


def write_png16(file: BinaryIO, pixels: NDArray[np.uint16], metadata: Metadata) -> None:
    """Writes uint16 [H, W] or [H, W, 1 to 4], colours in the order RGB."""
    height, width = pixels.shape[:2]
    planes = pixels.reshape(height, width, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[planes.shape[2]], 0, 0, 0)
    file.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header))
    for kind, data in _ancillary(metadata):
        file.write(_chunk(kind, data))
    for data in _compressed(planes):
        file.write(_chunk(b"IDAT", data))
    file.write(_chunk(b"IEND", b""))


def _compressed(planes: NDArray[np.uint16]) -> Iterator[bytes]:
    """The pixels in strips, each row as its difference from the row above."""
    compressor = zlib.compressobj(LEVEL)
    above = np.zeros((1, planes.shape[1] * planes.shape[2] * 2), np.uint8)
    for start in range(0, len(planes), STRIP):
        strip = planes[start : start + STRIP].astype(">u2")
        rows = strip.reshape(len(strip), -1).view(np.uint8)
        filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
        filtered[:, 0] = 2  # the filter "up"
        np.subtract(rows, np.vstack([above, rows[:-1]]), out=filtered[:, 1:])
        above = rows[-1:]
        yield compressor.compress(filtered.tobytes())
    yield compressor.flush()


def _ancillary(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    if metadata.icc:
        yield b"iCCP", b"profile\0\0" + zlib.compress(metadata.icc)
    if metadata.dpi:
        across, down = (round(dots / 0.0254) for dots in metadata.dpi)  # dots per metre
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if metadata.exif:
        yield b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")
    texts = dict(metadata.text)
    if metadata.xmp:
        texts[XMP_KEY] = metadata.xmp.decode("utf-8", "replace")
    for key, value in texts.items():
        yield b"iTXt", key.encode("latin-1", "replace") + b"\0\0\0\0\0" + value.encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
