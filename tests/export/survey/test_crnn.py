"""Table 5, made from small data and a small network in a step."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_export.data.distortions import FIXED
from inpaint_export.data.noisy_photos import NoisyPhotoDataConfig
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.noise.denoisers import PEERS
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe
from inpaint_export.survey import base, crnn, make_table
from inpaint_export.survey.networks import Variant
from inpaint_export.training.noise_validation import NoiseValidationConfig


@pytest.mark.slow
def test_the_table_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    for folder in ("photos/train", "photos/val", "photos/kodak24"):
        (tmp_path / folder).mkdir(parents=True)
        coarse = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
        picture = cv2.resize(coarse, (330, 330), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / folder / "a.png"), picture)
    small = CrnnConfig(widths=(8, 8, 8), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1), state=4)
    recipe = replace(
        load_recipe("clean"),
        build=partial(Crnn, small),
        data=NoisyPhotoDataConfig(("photos/train",)),
        validation=NoiseValidationConfig("photos/val", count=1),
        batch=1,
    )
    shipped = tmp_path / "clean.onnx"
    export_model(recipe.build(), recipe, shipped)
    monkeypatch.setattr(crnn, "load_recipe", lambda name: recipe)
    monkeypatch.setattr(crnn, "bundled_models", lambda name: {f"`{name}`": shipped})
    monkeypatch.setattr(crnn, "VARIANTS", [Variant("small", "small", recipe.build)])
    monkeypatch.setattr(crnn, "PEERS", PEERS[1:2])
    monkeypatch.setattr(crnn, "SIDE", 64)
    text = make_table("table5", base.TableOptions(tmp_path, None, tmp_path / "out", 1, 1))
    rows = json.loads((tmp_path / "out/table5/table5.json").read_text())["rows"]
    assert [row["method"] for row in rows[:4]] == [
        "distorted input",
        PEERS[1].name,
        "small",
        "`clean`",
    ]
    assert all({*FIXED, "mixture, SSIM"} == set(row["figures"]) for row in rows[:4])
    for row in rows[1:4]:  # nothing that was chosen or starts as the identity harms
        assert row["figures"]["clean"] > 40.0
        assert row["milliseconds"] > 0.0
    assert "| `clean` |" in text
    assert (tmp_path / "out/table5/table5.jpg").is_file()
