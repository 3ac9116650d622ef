from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_export.cli import main
from inpaint_export.large_holes import centred_box, holed_pictures, measure_holes
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
