from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_eval.perceptual import is_available
from inpaint_export import sheet
from inpaint_export.cli import main
from inpaint_export.large_holes import centred_box, holed_pictures, measure_holes
from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.models.codebook import AutoencoderConfig, CodebookInpainter, TransformerConfig
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.data import recipe_to_data
from inpaint_export.training.checkpoint import KEYS, save_checkpoint
from inpaint_sdk.models.zoo import open_model


def test_a_box_is_a_quarter_of_the_picture() -> None:
    for height, width in ((64, 96), (227, 227)):
        assert (centred_box(height, width) > 0).mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("holes", ["40-60 %", "box"])
def test_holes_are_the_same_every_time(holed_data: Path, holes: str) -> None:
    first, second = (
        holed_pictures(holed_data / "paris", holed_data / "masks", holes) for _ in range(2)
    )
    assert len(first) == 3
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)
        assert 0.2 < (a.mask > 0).mean() < 0.6


def test_means_are_over_pictures(holed_data: Path) -> None:
    samples = holed_pictures(holed_data / "paris", holed_data / "masks", "box")
    found = measure_holes(lambda picture, mask: picture, samples)
    assert (found.psnr_hole, found.ssim, found.gradient_hole) == (100.0, 1.0, 1.0)
    assert found.perceptual == (0.0 if is_available() else None)


def test_eval_takes_a_ratio_and_the_box(holed_data: Path) -> None:
    command = ["eval", open_model("photo").path, "--data", holed_data / "paris"]
    command += ["--masks", holed_data / "masks", "--ratios", "40-60,box", "--threads", 1]
    result = CliRunner().invoke(main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    for masks in ("masks 40-60 %", "centred box"):
        assert re.search(rf"^paris +{masks} +3 +[\d.]+ dB", result.output, re.MULTILINE)
    refused = CliRunner().invoke(main, [*(str(part) for part in command), "--ratios", "large"])
    assert refused.exit_code == 1
    assert "a hole ratio is like 10-20" in refused.output


def test_a_sheet_has_a_row_for_each_picture(holed_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    paths = holed_data / "paris", holed_data / "masks", output
    sheet.main(*map(str, paths), "telea", "photo", "photo:1")
    drawn = cv2.imread(str(output))
    assert drawn is not None
    samples = holed_pictures(holed_data / "paris", holed_data / "masks", "40-60 %")
    height, width = samples[0].mask.shape
    assert drawn.shape[:2] == (height * len(samples), width * 5)
    first, mask = drawn[:height], samples[0].mask
    damaged, *made, truth = (first[:, i * width : (i + 1) * width] for i in range(5))
    assert (damaged[mask > 0] == 128).all()
    np.testing.assert_array_equal(made[0], sheet.telea(truth, mask))
    for picture in made:
        np.testing.assert_array_equal(picture[mask == 0], truth[mask == 0])
    assert not np.array_equal(made[1], made[2])


def test_codes_are_counted_from_a_checkpoint(holed_data: Path, tmp_path: Path) -> None:
    small = AutoencoderConfig(CnnConfig((8, 8, 8), (0, 1), (1,), (1, 0)), 16, 6, 8)
    transformer = TransformerConfig(width=16, depth=1, heads=2, rounds=2)
    recipe = replace(
        load_recipe("photo-codebook-next-transformer"),
        build=partial(CodebookInpainter, small, transformer),
    )
    model = recipe.build()
    state = dict.fromkeys(KEYS) | {"recipe": recipe_to_data(recipe), "ema": model.state_dict()}
    save_checkpoint(tmp_path / "last.pt", state)
    command = ["eval", open_model("photo").path, "--data", holed_data / "paris", "--ratios", "box"]
    command += ["--masks", holed_data / "masks", "--threads", 1]
    result = CliRunner().invoke(
        main, [*map(str, command), "--checkpoint", str(tmp_path / "last.pt")]
    )
    assert result.exit_code == 0, result.output
    assert re.search(r"codes right +entries used", result.output)
    recipe = replace(recipe, build=partial(CnnInpainter, small.cnn))
    save_checkpoint(tmp_path / "cnn.pt", state | {"recipe": recipe_to_data(recipe)})
    refused = CliRunner().invoke(
        main, [*map(str, command), "--checkpoint", str(tmp_path / "cnn.pt")]
    )
    assert "cnn.pt holds no network with a codebook" in refused.output
