"""Table 1, made from small data and small networks in a step each."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_export.cli import main
from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import CnnConfig
from inpaint_export.models.codebook import (
    AutoencoderConfig,
    CodebookAutoencoder,
    CodebookInpainter,
    SharpenedInpainter,
    SharpenerConfig,
    TransformerConfig,
)
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.survey import codebook, inpainting
from inpaint_export.training.checkpoint import KEYS, save_checkpoint
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

TINY = CnnConfig((8, 8, 8), (0, 0), (1,), (1, 0))

SMALL = AutoencoderConfig(cnn=TINY, codes=16, channels=6, width=8)

SHALLOW = TransformerConfig(width=16, depth=1, heads=2)

BUILDS = {
    "photo-codebook-autoencoder": partial(CodebookAutoencoder, SMALL),
    "photo-codebook-transformer": partial(CodebookInpainter, SMALL, SHALLOW),
    "photo-codebook": partial(
        SharpenedInpainter, SMALL, SHALLOW, SharpenerConfig(width=8, dilations=(1,))
    ),
}


def small_recipe(name: str) -> Recipe:
    recipe = load_recipe(name)
    return replace(
        recipe,
        start=None if isinstance(recipe.start, FromModel) else recipe.start,
        build=BUILDS[name],
        data=PhotoDataConfig(("train",), crop=64),
        validation=HoleValidationConfig("val", count=1),
        batch=1,
    )


@pytest.fixture
def root(data_root: Path, tmp_path: Path) -> Path:
    """Training data, one picture to measure on, and one mask."""
    root = tmp_path / "data"
    shutil.copytree(data_root, root)
    rng = np.random.default_rng(0)
    for folder in ("paris", "masks"):
        (root / folder).mkdir()
    for name in "ab":
        picture = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
        cv2.imwrite(str(root / "paris" / f"{name}.png"), picture)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 30:] = 255
    cv2.imwrite(str(root / "masks" / "a.png"), mask)
    return root


@pytest.mark.slow
def test_the_table_is_made(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codebook, "load_recipe", small_recipe)
    monkeypatch.setattr(codebook, "AUTOENCODER", SMALL)
    monkeypatch.setattr(codebook, "TRANSFORMER", SHALLOW)
    monkeypatch.setattr(codebook, "SHARPENER", SharpenerConfig(width=8, dilations=(1,)))
    monkeypatch.setattr(codebook, "VARIANTS", codebook.VARIANTS[-1:])
    monkeypatch.setattr(codebook, "COMPARATORS", ())
    monkeypatch.setattr(inpainting, "FOLDERS", ("paris",))

    command = ["survey", "table1", "--data", root, "--steps", 3, "--threads", 1]
    command += ["-o", tmp_path / "out"]
    result = CliRunner().invoke(main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "out" / "table1"
    assert (folder / "table1.md").read_text() in result.output
    rows = json.loads((folder / "table1.json").read_text())["rows"]
    assert [row["method"] for row in rows] == [
        "all of it",
        "all of it, before sharpening",
        "all of it, argmax",
        "`photo`",
        "`photo-codebook`",
    ]
    for row in rows:
        assert len(row["figures"]) >= 6
        assert np.isfinite(list(row["figures"].values())).all()
        assert row["milliseconds"] > 0.0
    whole, before, _ = rows[:3]
    assert whole["parameters"] > before["parameters"]


def test_every_training_takes_up_the_one_before(tmp_path: Path) -> None:
    for _, trainings in codebook.VARIANTS:
        for training in trainings:
            recipe = codebook.recipe_of(training)
            model = recipe.build()
            assert recipe.start is not None
            loaded = recipe.start.apply(model, tmp_path)
            assert loaded.taken
            shrunk = isinstance(recipe.start, FromModel) and recipe.start.shrunk
            assert bool(loaded.unused) == shrunk, loaded.unused
            recipe.objective(model)
            state = dict.fromkeys(KEYS) | {"ema": model.state_dict()}
            save_checkpoint(tmp_path / training.folder / "last.pt", state)


def test_every_variant_has_the_same_budget() -> None:
    for name, trainings in codebook.VARIANTS:
        assert sum(training.share for training in trainings) == codebook.TRAININGS, name
