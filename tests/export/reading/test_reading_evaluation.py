"""A reader is measured through the command line, on drawn lines in held-out fonts."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_eval.legibility import DAMAGES
from inpaint_export.cli import main
from support.fonts import require_fonts
from support.reader import write_reader


@pytest.fixture
def data(tmp_path: Path, rng: np.random.Generator) -> Path:
    (tmp_path / "data" / "photos" / "val").mkdir(parents=True)
    picture = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "data/photos/val/a.png"), picture)
    return tmp_path / "data"


def test_a_reader_is_measured_and_what_restoring_gives_back(data: Path, tmp_path: Path) -> None:
    require_fonts("test")
    result = tmp_path / "reading.json"
    arguments = ["eval", str(write_reader(tmp_path / "reader.onnx")), "--data", str(data)]
    arguments += ["--no-peers", "--limit", "2", "--threads", "1", "-o", str(result)]
    measured = CliRunner().invoke(main, arguments)
    assert measured.exit_code == 0, measured.output
    document = json.loads(result.read_text())
    readers = document["readers"]
    assert [row["lines"] for row in readers] == ["clean", "degraded", "composited"] * 2
    assert {row["reader"] for row in readers} == {"colours", "colours, beam 10"}
    # It sees colours and no letters: it misses each, and may add some.
    assert all(row["character_error_rate"] > 0.9 for row in readers)
    assert [row["damage"] for row in document["legibility"]] == list(DAMAGES)
    assert document["finished"] >= document["started"]
    for row in readers:
        assert f"{100 * row['character_error_rate']:.2f} %" in measured.output


def test_lines_are_printed_on_photographs(tmp_path: Path) -> None:
    require_fonts("test")
    (tmp_path / "photos" / "val").mkdir(parents=True)
    reader = str(write_reader(tmp_path / "reader.onnx"))
    arguments = ["eval", reader, "--data", str(tmp_path), "--no-peers", "--limit", "1"]
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code != 0
    assert "no photograph in" in refused.output


@pytest.mark.parametrize(
    ("option", "status", "message"),
    [
        ("--film", 1, "colours neither finds nor undoes damage: leave out --film"),
        ("--noise", 1, "colours cleans no pictures: leave out --noise"),
        ("--distort", 2, "leave out --masks, --distort and --write"),
        ("--write", 2, "leave out --masks, --distort and --write"),
    ],
)
def test_what_is_not_for_readers_is_refused(
    tmp_path: Path, option: str, status: int, message: str
) -> None:
    reader = str(write_reader(tmp_path / "reader.onnx"))
    refused = CliRunner().invoke(main, ["eval", reader, "--data", str(tmp_path), option])
    assert refused.exit_code == status
    assert message in " ".join(refused.output.split())
