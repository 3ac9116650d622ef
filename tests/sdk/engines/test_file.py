from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

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
    for position in range(len(whole)):
        data = bytearray(whole)
        data[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with pytest.raises(ModelError):
            read_engine_file(path)


def test_bytes_behind_the_engine_are_found(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match="damaged"):
        read_engine_file(path)


def with_header(path: Path, **changes: object) -> None:
    """Rewrites the header as another version of this SDK might have written it."""
    whole = path.read_bytes()
    (length,) = struct.unpack_from("<I", whole, len(MAGIC))
    start = len(MAGIC) + 4
    document = {**json.loads(whole[start : start + length]), **changes}
    header = json.dumps({k: v for k, v in document.items() if v is not None}).encode()
    prefix = MAGIC + struct.pack("<I", len(header)) + header + hashlib.sha256(header).digest()
    path.write_bytes(prefix + whole[start + length + 32 :])


def test_a_newer_format_is_refused(path: Path) -> None:
    with_header(path, format_version=2)
    with pytest.raises(ModelError, match=r"format 2.*up to 1.*upgrade"):
        Restorer.load(path)


@pytest.mark.parametrize("changes", [{"scan": None}, {"key": {}}, {"model": {}}, {"size": "x"}])
def test_headers_that_lack_something(path: Path, changes: dict[str, object]) -> None:
    with_header(path, **changes)
    with pytest.raises(ModelError):
        read_engine_file(path)


def test_a_key_has_its_own_digest_for_everything_in_it() -> None:
    changes: list[dict[str, object]] = [
        {"model": "0"},
        {"backend": "tensorrt_rtx"},
        {"version": "10.3.1"},
        {"system": "Linux aarch64"},
        {"targets": ("sm_87",)},
        {"device": "Orin"},
        {"precision": "fp16"},
        {"shapes": engines.Shapes.from_json([[1, 16, 16], [1, 32, 32], [1, 64, 64]])},
        {"plugin": "1"},
    ]
    assert len(changes) == len(engines.EngineKey.__dataclass_fields__)
    digests = {engines.key(**change).digest() for change in [{}, *changes]}
    assert len(digests) == len(changes) + 1
