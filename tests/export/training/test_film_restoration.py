"""The data, the objective, the validation and the recipe of the restorer of film."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inpaint_export.data.film_damage import KINDS, FilmDamageDataConfig, LabelledDamage
from inpaint_export.data.film_restoration import FilmRestorationDataConfig, miss
from inpaint_export.models.film import FilmConfig, FilmRestorer
from inpaint_export.models.kind_detector import KindDetectorConfig
from inpaint_export.onnx_export import export_checkpoint
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.film_restoration import (
    FilmRestoration,
    FilmValidation,
    FilmValidationConfig,
)
from inpaint_export.training.loop import Trainer
from inpaint_export.training.optim import OptimConfig
from inpaint_sdk import Restorer
from inpaint_sdk.models.file import read_model_file
from support.film import write_film, write_photographs

SMALL = FilmConfig(
    detector=KindDetectorConfig(fine=8, widths=(8, 8, 8, 8), dilations=(1,), scanned=4),
    fine=8,
    widths=(8, 8, 8, 8),
    dilations=(1,),
    scanned=8,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_film(root)
    write_photographs(root, {"train": 2, "val": 2})
    return root


def data(**changes: object) -> FilmRestorationDataConfig:
    plain = FilmRestorationDataConfig(
        ("photos/train",), crop=96, false_marks=0.0, missed=0.0, scene_text=0.0
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_items_are_damaged_where_it_is_said(root: Path) -> None:
    items = data(families={"film": 1.0}).open(root, seed=3, length=12)
    stronger = []
    for item in (items[index] for index in range(12)):
        difference = (item["image"].int() - item["clear"].int()).abs().amax(dim=0)
        where = item["found"][0] > 0
        if where.any() and not where.all():
            stronger.append(difference[where].float().mean() > difference[~where].float().mean())
    assert len(stronger) >= 6
    assert all(stronger)


def test_overlays_are_no_damage_to_be_restored(root: Path) -> None:
    """Overlaid text stays in the clear picture; the sensor's lines do not."""
    config = data(families={"digital": 1.0})
    labels = FilmDamageDataConfig(**{n: getattr(config, n) for n in vars(FilmDamageDataConfig())})
    seen = 0
    for index in range(30):
        item = config.open(root, seed=3, length=30)[index]
        kinds = labels.open(root, seed=3, length=30)[index]["kinds"]
        overlaid = kinds[KINDS.index("overlay")] > 0
        physical = kinds[[i for i, kind in enumerate(KINDS) if kind != "overlay"]].amax(dim=0) > 0
        assert not (item["found"][0] > 0)[overlaid & ~physical].any() or physical.any()
        if overlaid.any() and not physical.any():
            seen += 1
            assert torch.equal(item["image"], item["clear"])
    assert seen >= 3


def test_marks_have_a_detectors_faults(root: Path) -> None:
    mask = np.zeros((64, 64), np.uint8)
    for column in range(2, 62, 4):
        mask[10:50, column] = 255
    missed = [miss(np.random.default_rng(seed), mask) for seed in range(20)]
    assert all((m <= mask).all() for m in missed)
    shares = [np.count_nonzero(m) / np.count_nonzero(mask) for m in missed]
    assert min(shares) < 0.7 < max(shares)
    false = data(families={"none": 1.0}, false_marks=1.0).open(root, seed=1, length=4)
    for item in (false[index] for index in range(4)):
        assert item["found"].any()
        assert torch.equal(item["image"], item["clear"])


def batch() -> dict[str, Tensor]:
    """Two pictures with a bar each, of which the second is marked wrongly."""
    clear = torch.rand(2, 3, 32, 32)
    image, found = clear.clone(), torch.zeros(2, 1, 32, 32)
    image[0, :, 8:12, 4:28] = 1.0
    found[:, :, 8:12, 4:28] = 1.0
    return {"image": image, "clear": clear, "found": found}


class Perfect(FilmRestorer):
    """Knows the picture, or returns what it sees where it has none."""

    def __init__(self, clear: Tensor | None) -> None:
        super().__init__(SMALL)
        self.clear = clear
        self.found: list[int] = []

    def find(self, image: Tensor) -> Tensor:
        self.found.append(len(image))
        return torch.zeros_like(image[:, :1])

    def restore(self, image: Tensor, marks: Tensor) -> Tensor:
        return image if self.clear is None else self.clear


def loss_of(model: FilmRestorer, items: dict[str, Tensor], progress: float) -> float:
    objective = FilmRestoration(model, detected=0.5)
    objective.progress = progress
    ((player, loss),) = objective.losses(items)
    assert player == "model"
    assert set(objective.report()) == {"rmse", "log_mse", "l1", "gradient"}
    return loss.item()


def test_the_loss_is_of_what_is_marked() -> None:
    items = batch()
    right, wrong = loss_of(Perfect(items["clear"]), items, 0.0), loss_of(Perfect(None), items, 0.0)
    assert right < 1e-3 < wrong
    elsewhere = items["clear"].clone()
    elsewhere[:, :, 20:] = 0.0
    assert loss_of(Perfect(elsewhere), items, 0.0) < 1e-3


def test_later_a_part_is_restored_where_the_detector_finds_damage() -> None:
    items = batch()
    model = Perfect(items["clear"])
    loss_of(model, items, 0.2)
    assert model.found == []
    loss_of(model, items, 0.9)
    assert model.found == [1]


def test_the_detector_is_held() -> None:
    model = FilmRestorer(SMALL)
    objective = FilmRestoration(model)
    objective.train()
    assert not model.detector.training
    assert not any(p.requires_grad for p in model.detector.parameters())
    ((_, loss),) = objective.losses(batch())
    loss.backward()
    assert all(p.grad is None for p in model.detector.parameters())
    assert model.restorer.head.bias is not None
    assert model.restorer.head.bias.grad is not None


class Darkens(nn.Module):
    """Takes half of the light away."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return image * 0.5, image[:, :1]


def test_validation_measures_in_the_damage() -> None:
    clean = np.full((32, 32, 3), 100, np.uint8)
    picture = clean.copy()
    kinds = np.zeros((len(KINDS), 32, 32), np.uint8)
    kinds[0, 8:12, 4:28] = 255
    picture[8:12, 4:28] = 200  # half of it is the truth
    item = LabelledDamage(picture, kinds, np.zeros((32, 32), np.uint8), clean)
    overlaid = kinds[[3, 1, 2, 0, 4]]
    none = LabelledDamage(picture, overlaid, np.zeros((32, 32), np.uint8), clean)
    validation = FilmValidation([item, none])
    assert len(validation.damaged) == 1
    assert validation.measure(Darkens(), torch.device("cpu")) == pytest.approx(100.0)
    assert validation.details["input"] == pytest.approx(20.0 * np.log10(2.55), abs=1e-3)
    assert validation.details["made_worse"] == 1
    assert "told" not in validation.details


@pytest.fixture
def recipe() -> Recipe:
    """``film``, shrunk."""
    return replace(
        load_recipe("film"),
        build=partial(FilmRestorer, SMALL),
        data=data(crop=64),
        validation=FilmValidationConfig(folder="photos/val", count=2, every=2),
        optim=OptimConfig(warmup=2, ema=0.5),
        start=None,
        steps=2,
        batch=2,
    )


def test_it_trains_and_exports(recipe: Recipe, root: Path, tmp_path: Path) -> None:
    """What the file finds is restored through the SDK, and nothing else, mask or no mask."""
    trainer = Trainer(recipe, root, tmp_path / "run", workers=0)
    held = {n: t.clone() for n, t in trainer.objective.model.detector.state_dict().items()}
    trainer.run()
    for name, tensor in trainer.ema.module.detector.state_dict().items():
        assert torch.equal(tensor, held[name]), name
    assert "val_told" in (tmp_path / "run" / "log.jsonl").read_text()
    with torch.no_grad():  # a detector that sees bright pixels, and a restorer that does something
        film = trainer.ema.module
        film.detector.head.weight.zero_()
        film.detector.up1.weight.zero_()
        film.detector.head.bias.fill_(-2.0)
        film.detector.fine_stem.weight.zero_()
        film.detector.fine_stem.weight[0, :3, 1, 1] = 1.0
        film.detector.fine_head.weight.zero_()
        film.detector.fine_head.weight[0, 0, 1, 1] = 4.0
        film.restorer.head.bias.fill_(-0.3)
    trainer._save()
    output = tmp_path / "film.onnx"
    checks = export_checkpoint(trainer.checkpoint, output)
    assert {check.native for check in checks} == {True, False}
    info = read_model_file(output).info
    assert (info.family, info.task, info.outputs) == ("sarnn", "enhance", ("output", "attention"))

    picture = np.full((150, 203, 3), 60, np.uint8)
    picture[40:44, 20:180] = 250
    picture[100:103, 60:63] = 250
    restorer = Restorer.load(output, threads=1)
    attention = restorer.plan(picture).attention()
    assert attention is not None
    found = cv2.dilate(np.uint8(attention >= 0.5), np.ones((5, 5)))
    assert found[42, 100] == 1
    assert found[70, 100] == 0
    restored = restorer.restore(picture)
    changed = (restored != picture).any(axis=2)
    assert changed[42, 100]
    assert not changed[found == 0].any()
    mask = np.zeros((150, 203), np.uint8)
    mask[:, 150:] = 255
    within = restorer.restore(picture, mask)
    np.testing.assert_array_equal(within, np.where(mask[..., None] > 0, restored, picture))
