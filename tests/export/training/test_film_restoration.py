"""The data, the objective, the validation and the recipe of the restorer of film."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inpaint_export.data.film_damage import KINDS, FilmDamageDataConfig, LabelledDamage
from inpaint_export.data.film_restoration import FilmRestorationDataConfig, miss
from inpaint_export.models.cnn import CnnConfig
from inpaint_export.models.film import FilmConfig, FilmRestorer
from inpaint_export.models.kind_detector import KindDetector
from inpaint_export.onnx_export import export_checkpoint
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.film_restoration import (
    FilmRestoration,
    FilmValidation,
    FilmValidationConfig,
    bundled_detector,
)
from inpaint_export.training.loop import Trainer
from inpaint_export.training.optim import OptimConfig
from inpaint_sdk import Restorer
from inpaint_sdk.models.file import read_model_file
from support.film import write_film, write_photographs

SMALL = FilmConfig(
    fine=8,
    widths=(8, 8, 8),
    inpainter=CnnConfig((8, 8, 8), (0, 0), (1,), (0, 0)),
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
        where = item["mask"][0] > 0
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
        assert not (item["mask"][0] > 0)[overlaid & ~physical].any() or physical.any()
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
        assert item["mask"].any()
        assert torch.equal(item["image"], item["clear"])


def batch() -> dict[str, Tensor]:
    """Two pictures with a bar each, of which the second is marked wrongly."""
    clear = torch.rand(2, 3, 32, 32)
    image, mask = clear.clone(), torch.zeros(2, 1, 32, 32)
    image[0, :, 8:12, 4:28] = 1.0
    mask[:, :, 8:12, 4:28] = 1.0
    return {"image": image, "clear": clear, "mask": mask}


class Perfect(FilmRestorer):
    """Knows the picture, or returns what it sees where it has none."""

    def __init__(self, clear: Tensor | None) -> None:
        super().__init__(SMALL)
        self.clear = clear
        self.masks: list[Tensor] = []

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        self.masks.append(mask)
        return image if self.clear is None else self.clear


class FindsTheTop(nn.Module):
    """A detector that calls the topmost row of any picture a scratch, and all of it overlaid."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor) -> Tensor:
        probability = torch.zeros(len(image), len(KINDS), *image.shape[2:])
        probability[:, KINDS.index("scratch"), 0] = 1.0
        probability[:, KINDS.index("overlay")] = 1.0
        return probability


def loss_of(model: FilmRestorer, items: dict[str, Tensor], progress: float) -> float:
    objective = FilmRestoration(model, detector=FindsTheTop, detected=0.5)
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
    assert torch.equal(model.masks[0], items["mask"])
    loss_of(model, items, 0.9)
    first, second = model.masks[1]
    assert torch.equal(second, items["mask"][1])
    assert first[0, :3].eq(1.0).all()  # and two pixels around
    assert not first[0, 3:].any()


def test_the_detector_and_the_inpainter_are_held() -> None:
    model = FilmRestorer(SMALL)
    objective = FilmRestoration(model, detector=FindsTheTop)
    objective.train()
    ((_, loss),) = objective.losses(batch())
    loss.backward()
    for part in (objective.detector, model.inpainter):
        assert not part.training
        assert all(p.grad is None for p in part.parameters())
    assert model.head.bias is not None
    assert model.head.bias.grad is not None


def test_the_detector_is_the_bundled_one() -> None:
    """All of its weights."""
    own = dict(bundled_detector().named_parameters())
    anew = dict(KindDetector().named_parameters())
    assert sum(not torch.equal(own[name], anew[name]) for name in own) > 0.9 * len(own)


class Darkens(nn.Module):
    """Takes half of the light away where it may."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image * (1.0 - 0.5 * mask)


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
    assert validation.details["made_worse"] == 0
    # Half of 100 is missing wherever an undamaged picture is marked.
    assert validation.details["marked_wrongly"] == pytest.approx(20.0 * np.log10(5.1), abs=1e-3)


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
    """What the file is told of is restored through the SDK by what shows through."""
    trainer = Trainer(recipe, root, tmp_path / "run", workers=0)
    held = {n: t.clone() for n, t in trainer.objective.model.inpainter.state_dict().items()}
    trainer.run()
    film = trainer.ema.module
    for name, tensor in film.inpainter.state_dict().items():
        assert torch.equal(tensor, held[name]), name
    assert "val_marked_wrongly" in (tmp_path / "run" / "log.jsonl").read_text()
    with torch.no_grad():  # half of what stands out stays
        film.head.weight.zero_()
        film.head.bias.zero_()
        film.fine_head.weight.zero_()
        film.fine_head.bias.copy_(torch.tensor([0.5, 0.5, 0.5, 0.0, 0.0, 0.0]))
    trainer._save()
    output = tmp_path / "film.onnx"
    checks = export_checkpoint(trainer.checkpoint, output)
    assert {check.native for check in checks} == {True, False}
    info = read_model_file(output).info
    assert (info.family, info.task, info.outputs) == ("sarnn", "inpaint", ("output",))
    assert info.kinds == tuple(kind for kind in KINDS if kind != "overlay")

    picture = np.full((150, 203, 3), 60, np.uint8)
    picture[40:44, 20:180] = 250
    mask = np.zeros((150, 203), np.uint8)
    mask[38:46, 18:182] = 255
    restored = Restorer.load(output, threads=1).restore(picture, mask)
    np.testing.assert_array_equal(restored[mask == 0], picture[mask == 0])
    assert np.abs(restored[41, 100].astype(int) - (60 + 250) // 2).max() < 20
