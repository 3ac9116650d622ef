"""Rows of inpainting tables, from small data and a small network in a step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import pytest

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.recipes import load_recipe
from inpaint_export.survey import base, inpainting
from inpaint_export.survey.networks import Variant, bundled_models, export_models, train_variants
from inpaint_export.training.validation import HoleValidationConfig


def test_rows_have_every_setting_and_strips_are_drawn(
    holed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inpainting, "FOLDERS", ("paris",))
    monkeypatch.setattr("inpaint_export.large_holes.is_available", lambda: True)
    monkeypatch.setattr(
        "inpaint_export.large_holes.PerceptualDistance", lambda: lambda restored, truth: 0.25
    )
    small = CnnConfig(widths=(8, 8, 8), encoder_blocks=(0, 0), dilations=(), decoder_blocks=(0, 0))
    recipe = replace(
        load_recipe("photo"),
        data=PhotoDataConfig(("train",), crop=64),
        validation=HoleValidationConfig("train", count=1),
        batch=1,
    )
    runs = tmp_path / "runs"
    options = base.TableOptions(holed_data, None, runs, steps=1, threads=1)
    variant = Variant("small", "small", partial(CnnInpainter, small))
    models = train_variants([variant], recipe, options)
    files = export_models(models, recipe, runs) | bundled_models("photo")
    rows = inpainting.inpainting_rows(files, options)
    assert [row.method for row in rows] == ["small", "`photo`"]
    assert all(len(row.figures) == 2 * 4 and row.milliseconds for row in rows)
    strip = cv2.imread(str(runs / "paris-box.png"))
    assert strip.shape == (3 * 64, 4 * 96, 3)  # damaged, two methods, true
    text = base.render(base.Table("T", lambda options: rows, lambda s, t: ""), rows, 1, 1)
    assert text.count("# T: paris, ") == 2
    assert "| method | PSNR in the hole | SSIM | gradient | perceptual distance |" in text
