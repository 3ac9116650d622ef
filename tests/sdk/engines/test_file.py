from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint_sdk import ModelError, Restorer
from inpaint_sdk.engines.file import (
    MAGIC,
    is_engine_file,
    read_engine_file,
    read_engine_info,
    write_engine_file,
)
from inpaint_sdk.engines.profile import Shape
from support import engines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "photo.engine"
    write_engine_file(engines.engine(), path)
    return path


def test_an_engine_survives_being_written(path: Path) -> None:
    written = engines.engine()
    read = read_engine_file(path)
    assert (read.info, read.data) == (written.info, written.data)
    assert read_engine_info(path) == written.info
    assert is_engine_file(path)
    assert [p.name for p in path.parent.iterdir()] == ["photo.engine"]


def test_what_is_no_engine(tmp_path: Path) -> None:
    other = tmp_path / "other.engine"
    for content in (b"", b"ftrt" + bytes(100), MAGIC[:-1]):
        other.write_bytes(content)
        assert not is_engine_file(other)
        with pytest.raises(ModelError, match="not an engine file"):
            read_engine_file(other)
    with pytest.raises(ModelError, match="no engine file"):
        read_engine_file(tmp_path / "none.engine")
    assert not is_engine_file(tmp_path)


def test_an_engine_that_was_cut_short_anywhere(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(MAGIC), len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="damaged"):
            read_engine_file(path)


def test_a_flipped_bit_anywhere_is_found(path: Path, rng: np.random.Generator) -> None:
    whole = path.read_bytes()
    for position in range(0, len(whole), 3):  # one checksum is over all of them
        data = bytearray(whole)
        data[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with pytest.raises(ModelError):
            read_engine_file(path)


def test_bytes_behind_the_engine_are_found(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match="damaged"):
        read_engine_file(path)


def test_a_newer_format_is_refused(path: Path) -> None:
    path.write_bytes(engines.with_header(b'{"format_version": "4.2"}'))
    with pytest.raises(ModelError, match=r"format '4.2'.*reads format 3.2.*upgrade"):
        Restorer.load(path)


def without(*path: str) -> Callable[[dict[str, Any]], object]:
    def edit(document: dict[str, Any]) -> None:
        *parents, last = path
        for parent in parents:
            document = document[parent]
        del document[last]

    return edit


def having(value: object, *path: str) -> Callable[[dict[str, Any]], object]:
    def edit(document: dict[str, Any]) -> None:
        *parents, last = path
        for parent in parents:
            document = document[parent]
        document[last] = value

    return edit


SHAPE = ["key", "profile", "max"]


@pytest.mark.parametrize(
    "edit",
    [
        *(without(name) for name in ("format_version", "model", "key", "scan", "size", "digest")),
        *(without("key", name) for name in ("targets", "profile", "model", "backend")),
        without("model", "task"),
        without("key", "profile", "opt"),
        having({}, "key"),
        having([], "key"),
        having(None, "model"),
        having("x", "size"),
        having(["none"], "scan"),
        having("fast", "scan"),
        having("sm_86", "key", "targets"),
        having([86], "key", "targets"),
        having(["photo"], "model", "name"),
        having([1, 2], *SHAPE),
        having([1, 2, "3"], *SHAPE),
        having([1, 2, 3, 4], *SHAPE),
        having([1, 16, 16], *SHAPE),
        having(10**4000, "key", "profile", "max"),
        having([["tensorrt"]], "format_version"),
        having(True, "format_version"),
    ],
)
def test_headers_that_are_wrong(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    whole = path.read_bytes()
    (length,) = struct.unpack_from("<I", whole, len(MAGIC))
    start = len(MAGIC) + 4
    document = json.loads(whole[start : start + length])
    edit(document)
    path.write_bytes(engines.with_header(json.dumps(document).encode()))
    for read in (read_engine_info, read_engine_file, Restorer.load):
        with pytest.raises(ModelError) as refusal:
            read(path)  # type: ignore[operator]
        assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"3",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"format_version": ' + b"1" * 5000 + b"}",
        b'{"format_version": NaN}',
    ],
    ids=[
        "empty",
        "list",
        "number",
        "null",
        "object",
        "bytes",
        "deep",
        "deep object",
        "long",
        "NaN",
    ],
)
def test_headers_that_are_no_documents(path: Path, header: bytes) -> None:
    path.write_bytes(engines.with_header(header))
    for read in (read_engine_info, read_engine_file):
        with pytest.raises(ModelError, match=r"header cannot be understood|engine format"):
            read(path)


def test_a_header_of_a_huge_length_is_not_read(path: Path) -> None:
    path.write_bytes(MAGIC + struct.pack("<I", 2**32 - 1) + b"{}")
    with pytest.raises(ModelError, match="damaged in its header"):
        read_engine_info(path)


def test_a_key_has_its_own_digest_for_everything_in_it() -> None:
    changes: list[dict[str, object]] = [
        {"model": "0"},
        {"backend": "tensorrt_rtx"},
        {"version": "10.3.1"},
        {"system": "Linux aarch64"},
        {"targets": ("sm_87",)},
        {"device": "Orin"},
        {"multiprocessors": 16},
        {"precision": "fp16"},
        {"profile": engines.OptimizationProfile(*(Shape(1, n, n) for n in (16, 32, 64)))},
        {"workspace": 1 << 30},
        {"recipe": 2},
        {"plugin": "1"},
    ]
    assert len(changes) == len(engines.EngineKey.__dataclass_fields__)
    digests = {engines.key(**change).digest() for change in [{}, *changes]}
    assert len(digests) == len(changes) + 1
