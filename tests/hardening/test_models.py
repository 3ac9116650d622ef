"""A model file is not trusted: it is refused, or what it costs to load it is bounded."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

from hardening.hostile_models import BOUNDED, REFUSED, described, harmless
from hardening.processes import run_alone
from inpaint_sdk import ModelError, Restorer
from inpaint_sdk.models.file import MAX_BYTES

SECONDS, MEGABYTES = 20, 700
"""Of computing, and of memory beyond what the process has without the file."""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the process is in, which stays as it is."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(elsewhere: Path, tmp_path: Path, name: str) -> None:
    make, reason = REFUSED[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(described(make()))
    with pytest.raises(ModelError, match=reason):
        Restorer.load(path, threads=1)
    assert not list(elsewhere.iterdir())
    assert list(tmp_path.glob("*.onnx*")) == [path]


@pytest.mark.parametrize("name", BOUNDED)
def test_what_is_bounded(elsewhere: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(described(BOUNDED[name]()))
    found = run_alone([sys.executable, __file__, str(path)])
    told = json.loads(found)
    assert told["megabytes"] < MEGABYTES
    if name in ("harmless", "polyglot"):
        assert told["became"] == "loaded"
    assert not list(elsewhere.iterdir())


def test_a_file_that_is_larger_than_any_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)
    with pytest.raises(ModelError, match="at most"):
        Restorer.load(path)


@pytest.mark.parametrize("length", [10, 100, 200])
def test_what_is_cut_short(tmp_path: Path, length: int) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(described(harmless())[:length])
    with pytest.raises(ModelError):
        Restorer.load(path)


@pytest.mark.parametrize(
    "document",
    ["{", "[]", "9" * 5000, '{"format_version": 1e999}', "[" * 100_000, '{"format_version": 2}',
     '{"format_version": ' + "9" * 4000 + "}"],
)  # fmt: skip
def test_a_bad_description(tmp_path: Path, document: str) -> None:
    proto = harmless()
    proto.metadata_props.add(key="inpaint_sdk", value=document)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match="description"):
        Restorer.load(path)


def test_nothing_is_written_below_the_home_folder(tmp_path: Path) -> None:
    """ONNX Runtime keeps a database of what it tells Microsoft there, where it may."""
    home = tmp_path / "home"
    home.mkdir()
    work = "import inpaint_sdk as i, numpy as n; r = i.Restorer.load('photo', threads=1); "
    work += "r.restore(n.zeros((16, 16, 3), n.uint8), n.eye(16, dtype=n.uint8))"
    changes = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    run_alone([sys.executable, "-c", work], **changes)
    assert list(home.rglob("*")) == []


def load(path: str) -> dict[str, Any]:
    Restorer.load("photo", threads=1)  # what the libraries themselves take
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        Restorer.load(path, threads=1)
        became = "loaded"
    except ModelError as error:
        became = str(error)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"became": became, "megabytes": growth / 1024}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    print(json.dumps(load(sys.argv[1])))
