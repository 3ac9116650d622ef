"""Parsers of this SDK's own that read strangers' bytes, as functions that a fuzzer calls.

Each takes any bytes and raises only where the parser has a defect.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from inpaint_sdk import InpaintError
from inpaint_sdk.images.ifd import HEADER, build, read_directories
from inpaint_sdk.images.masks import open_mask
from inpaint_sdk.images.metadata import (
    Metadata,
    chunk_parts,
    jpeg_parts,
    read_metadata,
    segments,
    upright_exif,
    upright_xmp,
    with_png_parts,
)
from inpaint_sdk.models.file import content_digest, has_functions
from inpaint_sdk.models.graph import check_graph
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.models.protobuf import MalformedError
from inpaint_sdk.server.pictures import _read_header


def graph(data: bytes) -> None:
    """A model file's graph: refused or let through."""
    with contextlib.suppress(InpaintError):
        check_graph(data, "it")
    with contextlib.suppress(MalformedError):
        assert len(content_digest(data)) == 64
        has_functions(data)


def description(data: bytes) -> None:
    """A model's description: refused, or the same when it is written and read again."""
    with contextlib.suppress(InpaintError):
        info = ModelInfo.from_json(data.decode(errors="replace"), "it")
        assert ModelInfo.from_json(info.to_json(), "again") == info


def directories(data: bytes) -> None:
    """A TIFF's directories: damaged, or the same when they are built and read again."""
    with contextlib.suppress(ValueError, struct.error):
        for entries in read_directories(data):
            (again,) = read_directories(HEADER + build(entries))
            for tag, entry in entries.items():
                if entry.directory is None:
                    assert again[tag][:3] == entry[:3]


def exif(data: bytes) -> None:
    """An EXIF block: made upright in place, and no more than once."""
    upright, turn = upright_exif(data)
    assert len(upright) == len(data)
    assert upright_exif(upright) == (upright, min(turn, 1))
    xmp, turn = upright_xmp(data)
    assert len(xmp) == len(data)
    assert upright_xmp(xmp)[1] in (0, 1)
    Metadata(exif=data, xmp=xmp).for_tiff()


def _metadata(kind: str, data: bytes) -> Metadata:
    with contextlib.suppress(ValueError, struct.error):
        tags = next(read_directories(data), {}) if kind == "TIFF" else {}
        return read_metadata(kind, data, tags, {}, [])[0]
    return Metadata()


def jpeg(data: bytes) -> None:
    """A JPEG's segments and what is read from them."""
    parts, _ = jpeg_parts(data)
    kept = [part for part in parts if len(part) < 65_535]
    assert jpeg_parts(b"\xff\xd8" + segments(kept) + b"\xff\xd9")[0] == kept
    read_metadata("JPEG", data, {}, {}, [])


def png(data: bytes) -> None:
    """A PNG's chunks and what is read from them."""
    parts, _ = chunk_parts("PNG", data)
    again, _ = chunk_parts("PNG", with_png_parts(data[:33].ljust(33, b"\0"), parts))
    assert again[: len(parts)] == parts
    read_metadata("PNG", data, {}, {}, [])[0].for_png()


def webp(data: bytes) -> None:
    """A WebP's chunks, or those of a JPEG 2000, and what is read from them."""
    for kind in ("WEBP", "JPEG2000"):
        parts, rest = chunk_parts(kind, data)
        assert sum(map(len, parts)) + len(rest) <= len(data)
        read_metadata(kind, data, {}, {}, [])


def tiff(data: bytes) -> None:
    """A TIFF's tags as metadata, and as a result's."""
    build(_metadata("TIFF", data).for_tiff())


def header(data: bytes) -> None:
    """What the server reads of a picture before it decodes it; the caller answers any exception."""
    with contextlib.suppress(Exception):
        kind, (width, height) = _read_header(data)
        assert kind
        assert width * height >= 0


def mask(data: bytes) -> None:
    """A mask's file."""
    with contextlib.suppress(InpaintError):
        assert open_mask(data).ndim == 2


def _file(kind: str, **options: Any) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x010E] = 6, "a description"
    Image.new("L", (9, 5), 200).save(file := BytesIO(), format=kind, exif=tags, **options)
    return file.getvalue()


def _exif() -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x8769] = 6, {0x829A: 0.005, 0x927C: b"maker"}
    return tags.tobytes().removeprefix(b"Exif\0\0")


def _models() -> list[bytes]:
    from hardening.hostile_models import REFUSED, harmless

    made = [make() for make, _ in (*REFUSED.values(), (harmless, ""))]
    found = [m if isinstance(m, bytes) else m.SerializeToString() for m in made]
    return [data for data in found if len(data) < 4096]


def _description() -> list[bytes]:
    from support.models import model_info

    return [model_info(digest="0" * 64).to_json().encode()]


def _pictures() -> list[bytes]:
    return [_file(kind) for kind in ("JPEG", "PNG", "TIFF", "WEBP")]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "graph": (graph, _models),
    "description": (description, _description),
    "directories": (directories, lambda: [_file("TIFF"), _exif()]),
    "exif": (exif, lambda: [_exif(), b'<x tiff:Orientation="6"/>']),
    "jpeg": (jpeg, lambda: [_file("JPEG", comment=b"hello", dpi=(300, 300))]),
    "png": (png, lambda: [_file("PNG", dpi=(300, 300))]),
    "webp": (webp, lambda: [_file("WEBP"), _file("JPEG2000")]),
    "tiff": (tiff, lambda: [_file("TIFF"), _exif()]),
    "header": (header, _pictures),
    "mask": (mask, _pictures),
}
"""Each by a name: the function, and what makes inputs to begin with."""

KEPT = Path(__file__).parent / "inputs"
"""Inputs that once showed a defect, by a target's name."""
