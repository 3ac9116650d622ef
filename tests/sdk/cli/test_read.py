from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

from inpaint_sdk.cli.main import main
from support.reader import write_reader

Run = Callable[..., Result]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    pytest.importorskip("onnx")
    return write_reader(tmp_path / "colours.onnx")


@pytest.fixture
def lines(tmp_path: Path) -> list[Path]:
    """A red and a blue line."""
    paths = [tmp_path / "red.png", tmp_path / "blue.png"]
    for path, channel in zip(paths, (2, 0), strict=True):
        pixels = np.zeros((8, 24, 3), np.uint8)
        pixels[..., channel] = 255
        cv2.imwrite(str(path), pixels)
    return paths


@pytest.mark.parametrize("search", [(), ("--beam", 3)])
def test_one_line_for_each_picture(
    run: Run, model: Path, lines: list[Path], search: tuple[object, ...]
) -> None:
    result = run("read", *lines, "--model", model, *search)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == ["r", "b"]


def test_json_has_confidences(run: Run, model: Path, lines: list[Path]) -> None:
    result = run("read", *lines, "--model", model, "--json")
    documents = [json.loads(line) for line in result.output.splitlines()]
    assert [document["text"] for document in documents] == ["r", "b"]
    assert documents[0]["image"] == str(lines[0])
    assert documents[0]["confidences"] == pytest.approx([1.0])


def test_a_picture_that_cannot_be_read(
    run: Run, model: Path, lines: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = lines[0].with_name("broken.png")
    broken.write_bytes(b"no picture")
    # Not by click's runner, which mixes the streams before click 8.2.
    with pytest.raises(SystemExit) as ended:
        main(["read", *map(str, (lines[0], broken, lines[1])), "--model", str(model)])
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == ["r", "", "b"]
    assert "broken.png" in told.err
    assert run("read", broken, broken, "--model", model).exit_code == 2


def test_a_beam_out_of_range_is_refused(run: Run, model: Path, lines: list[Path]) -> None:
    result = run("read", lines[0], "--model", model, "--beam", 0)
    assert result.exit_code == 2
    assert "--beam" in result.output
