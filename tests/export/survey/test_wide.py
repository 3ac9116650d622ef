"""The table of narrow and wide holes in one picture, on small pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_export.cli import main
from inpaint_export.large_holes import centred_box
from inpaint_export.survey import wide
from inpaint_sdk import Restorer

SIDE = 330
"""Of pictures whose centred box is just wide."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    pictures, masks = tmp_path / wide.FOLDER, tmp_path / "masks"
    pictures.mkdir(parents=True)
    masks.mkdir()
    coarse = np.random.default_rng(0).integers(60, 200, (6, 6, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(pictures / "one.png"), picture)
    mask = np.zeros((512, 512), np.uint8)
    mask[:, :70] = 255  # 14 % of the picture
    cv2.imwrite(str(masks / "00000.png"), mask)
    return tmp_path


def test_pictures_have_narrow_and_wide_holes(data: Path) -> None:
    (sample,) = wide.narrow_and_wide(data / wide.FOLDER, data / "masks")
    assert sample.mask[5, 5] == 255
    np.testing.assert_array_equal(wide.wide_part(sample.mask, 160.0), centred_box(SIDE, SIDE))


def test_wide_holes_are_told_by_what_has_room_in_them() -> None:
    mask = np.zeros((100, 200), np.uint8)
    mask[10:14, 5:190] = 255  # long, not wide
    mask[30:70, 20:60] = 255
    mask[40:52, 100:112] = 255
    expected = np.zeros_like(mask)
    expected[30:70, 20:60] = 255
    np.testing.assert_array_equal(wide.wide_part(mask, 20), expected)
    assert not wide.wide_part(np.zeros_like(mask), 20).any()


def test_methods_are_measured_in_all_holes_and_in_the_wide_one(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_narrow_ones(picture: wide.Pixels, mask: wide.Pixels) -> wide.Pixels:
        wrong = picture.copy()
        wrong[centred_box(SIDE, SIDE) > 0] = 0
        return wrong

    methods = {"true": lambda picture, mask: picture, "narrow": only_narrow_ones}
    monkeypatch.setattr(wide, "_methods", lambda photo, width, threads: methods)
    command = ["survey", "wide", "--data", str(data), "-o", str(data / "runs")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    rows = json.loads((data / "runs" / "wide" / "wide.json").read_text())["rows"]
    true, narrow = (row["figures"] for row in rows)
    assert true["PSNR in the holes"] == true["PSNR in the wide hole"] == 100.0
    assert true["gradient"] == true["SSIM"] == 1.0
    assert narrow["PSNR in the wide hole"] < narrow["PSNR in the holes"] < 10.0
    assert narrow["gradient"] == 0.0


def test_auto_does_what_wins_in_the_table(data: Path) -> None:
    """So what the table says of it is said of ``auto``: nearly the best, in the least time."""
    methods = wide._methods(Restorer.load("photo", threads=1), 160.0, 1)
    (sample,) = wide.narrow_and_wide(data / wide.FOLDER, data / "masks")
    restored = methods["`auto`"](sample.picture, sample.mask)
    expected = methods["`photo`"](sample.picture, sample.mask)
    np.testing.assert_array_equal(restored, expected)
    table = Path(__file__).parents[3] / "docs" / "tables" / "wide.json"
    rows = json.loads(table.read_text())["rows"]
    figures = {row["method"]: row["figures"]["PSNR in the holes"] for row in rows}
    assert figures["`auto`"] >= max(figures.values()) - 0.1
