"""Rows of inpainting tables, from small data and a small network in a step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import pytest

from inpaint_eval.scores import Score
from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.recipes import load_recipe
from inpaint_export.survey import base, inpainting
from inpaint_export.survey.cases import HEADER, HEIGHT
from inpaint_export.survey.networks import Variant, bundled_models, train_variants
from inpaint_export.training.validation import HoleValidationConfig


def test_rows_have_every_setting_and_cases_are_drawn(
    holed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inpainting, "FOLDERS", ("paris",))
    small = CnnConfig(widths=(8, 8, 8), encoder_blocks=(0, 0), dilations=(), decoder_blocks=(0, 0))
    recipe = replace(
        load_recipe("photo"),
        data=PhotoDataConfig(("train",), crop=64),
        validation=HoleValidationConfig("train", count=1),
        batch=1,
    )
    runs = tmp_path / "runs"
    options = base.TableOptions(
        holed_data, None, runs, steps=1, threads=1, pictures=tmp_path / "cases.jpg"
    )
    variant = Variant("small", "small", partial(CnnInpainter, small))
    files = train_variants([variant], recipe, options) | bundled_models("photo")
    rows = inpainting.inpainting_rows(files, options)
    assert [row.method for row in rows] == ["small", "`photo`"]
    assert all(len(row.figures) >= 2 * 3 and row.milliseconds for row in rows)
    drawn = cv2.imread(str(tmp_path / "cases.jpg"))
    assert drawn.shape[1] == 4 * round(HEIGHT * 96 / 64)  # damaged, two methods, true
    assert drawn.shape[0] == HEADER + 2 * HEIGHT  # one of each setting

    def measure_again(*arguments: object) -> None:
        raise AssertionError("what was measured is measured again")

    monkeypatch.setattr(inpainting, "measure_holes", measure_again)
    again = inpainting.inpainting_rows(files, options)
    assert [row.figures for row in again] == [row.figures for row in rows]


@pytest.mark.parametrize("distance", [None, 0.25])
def test_the_perceptual_distance_is_a_column_where_scores_have_it(
    monkeypatch: pytest.MonkeyPatch, distance: float | None
) -> None:
    found = Score(1.0, 1.0, 0.5, 0.5, 0.1, 0.5, gradient_hole=0.5, perceptual=distance)
    monkeypatch.setattr(inpainting, "measure_holes", lambda restore, samples: found)
    figures = inpainting._measure({"paris, box": []}, lambda picture, mask: picture)
    assert figures.get("paris, box: perceptual distance") == distance
    assert len(figures) == (3 if distance is None else 4)
