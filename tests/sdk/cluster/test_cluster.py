"""On a real Ray cluster of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import Restorer
from inpaint_sdk.cli.main import main

pytest.importorskip("ray.data", reason="pip install 'inpaint-sdk[ray]'")
pytestmark = pytest.mark.slow

Pixels = NDArray[np.uint8]
ROOT = Path(__file__).parents[3]
PICTURES = 40

PROGRAM = """
import sys
import ray
from inpaint_sdk.cluster import Workers, connected, restore_pictures
with connected("local"):
    pictures = ray.data.read_binary_files(sys.argv[1], include_paths=True)
    restored = restore_pictures(pictures, "photo", workers=Workers(max_size=1))
    restored.write_parquet(sys.argv[2])
"""


def test_a_killed_node_loses_nothing_and_nothing_is_written_twice(tmp_path: Path) -> None:
    """By the program that writes benchmarks/results/ray-local.json."""
    program = ROOT / "benchmarks" / "repeat" / "ray_local.py"
    sizes = ["--pictures", str(PICTURES), "--size", "96"]
    subprocess.run(
        [sys.executable, program, "-o", "log.json", "--folder", "work", *sizes],
        cwd=tmp_path,
        check=True,
    )
    rows = json.loads((tmp_path / "log.json").read_text())["rows"]
    for row in rows.values():
        figures = row["figures"]
        told = f"restored {PICTURES}, finished before 0, failed 1"
        assert (figures["said"], figures["exit_code"]) == ([told], 1)
        assert figures["restored"] == PICTURES
        assert figures["lost"] == figures["written_again"] == figures["left_behind"] == 0
    assert PICTURES / 3 <= rows["ray-killed"]["figures"]["killed_after"] < PICTURES
    expected = contents(tmp_path / "work" / "folder")
    assert len(expected) == PICTURES
    assert contents(tmp_path / "work" / "ray") == expected
    assert contents(tmp_path / "work" / "ray-killed") == expected


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_dataset_is_restored(tmp_path: Path, image: Pixels) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), image)
    (tmp_path / "in" / "b.png").write_bytes(b"damaged")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "in"), str(tmp_path / "out")]
    subprocess.run(command, check=True)
    rows = {Path(row["path"]).name: row for row in parquet.read_table(tmp_path / "out").to_pylist()}
    data = (tmp_path / "in" / "a.png").read_bytes()
    assert rows["a.png"]["bytes"] == Restorer.load("photo", threads=1).restore(data)
    assert "not a picture" in rows["b.png"]["error"]
    assert rows["b.png"]["bytes"] is None


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path, image: Pixels) -> None:
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), image)
    command = ["restore", str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, [*command, "--ray", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert "there is no Ray cluster at 127.0.0.1:1" in result.output
    assert not (tmp_path / "out").exists()
