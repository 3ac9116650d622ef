from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_bench.cli import main


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    rng = np.random.default_rng(0)
    for name in ("pictures", "masks"):
        (tmp_path / name).mkdir()
    for index in range(2):
        coarse = rng.integers(0, 256, (5, 5, 3)).astype(np.uint8)
        picture = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / "pictures" / f"{index}.png"), picture)
    mask = np.zeros((50, 50), np.uint8)
    mask[10:25, 10:35] = 255
    cv2.imwrite(str(tmp_path / "masks" / "0.png"), mask)
    return str(tmp_path / "pictures"), str(tmp_path / "masks")


def test_a_run_writes_json_and_prints_a_table(folders: tuple[str, str], tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    pictures, masks = folders
    arguments = ["run", "--pictures", pictures, "--masks", masks, "-o", str(output)]
    arguments += ["--ratios", "10-20", "--rounds", "2", "--no-startup"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output

    document = json.loads(output.read_text())
    assert document["machine"]["cpu"]
    assert document["machine"]["libraries"]["onnxruntime"]
    (section,) = document["sections"]
    assert [s["mask"] for s in section["samples"]] == ["0.png", "0.png"]
    names = [row["name"] for row in section["candidates"]]
    assert names == ["photo", "opencv-telea", "opencv-ns"]
    for row in section["candidates"]:
        assert row["milliseconds"]["runs"] == 4
        assert row["psnr_hole"] == pytest.approx(np.mean([s["psnr_hole"] for s in row["scores"]]))
        assert set(row["time_over"]) == set(names) - {row["name"]}
        assert f"| 10-20 % | {row['name']} | {row['psnr_hole']:.2f} |" in result.output


def test_quality_alone(folders: tuple[str, str], tmp_path: Path) -> None:
    pictures, masks = folders
    output = tmp_path / "result.json"
    arguments = ["run", "--pictures", pictures, "--masks", masks, "-o", str(output), "--peers", ""]
    arguments += ["--ratios", "10-20", "--rounds", "0", "--no-startup"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(output.read_text())["sections"][0]["candidates"]
    assert "milliseconds" not in row


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--peers", "photoshop", "no peer photoshop"), ("--ratios", "ten", "a hole ratio is like")],
)
def test_what_is_refused(
    folders: tuple[str, str], tmp_path: Path, option: str, value: str, message: str
) -> None:
    pictures, masks = folders
    output = tmp_path / "result.json"
    arguments = ["run", "--pictures", pictures, "--masks", masks, "-o", str(output)]
    result = CliRunner().invoke(main, [*arguments, option, value])
    assert result.exit_code == 2
    assert message in result.output
    assert not output.exists()
