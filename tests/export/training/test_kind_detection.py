"""The objective, the validation and the recipe of a detector that tells kinds apart."""

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
from inpaint_export.errors import ExportError
from inpaint_export.models.kind_detector import KindDetector, KindDetectorConfig
from inpaint_export.onnx_export import export_checkpoint, export_model
from inpaint_export.precision import convert as conversion
from inpaint_export.precision.convert import Precision
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.kind_detection import KindDetection, KindWeights, thinness
from inpaint_export.training.kind_validation import (
    THRESHOLDS,
    KindValidation,
    KindValidationConfig,
)
from inpaint_export.training.loop import Trainer
from inpaint_export.training.optim import OptimConfig
from inpaint_sdk import Detector
from inpaint_sdk.models.file import read_model_file
from support.film import write_film, write_photographs

SPECK = KINDS.index("speck")
SMALL = KindDetectorConfig(fine=8, widths=(8, 8, 8, 8), scanned=4)


class Answer(nn.Module):
    """A network that answers the same whatever it sees."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(logits)

    def logits(self, image: Tensor) -> Tensor:
        return self.answer


def batch() -> dict[str, Tensor]:
    """One picture with a scratch and a speck, and one without damage."""
    kinds = torch.zeros(2, len(KINDS), 32, 32)
    kinds[0, 0, 4:6, 4:28] = 1.0
    kinds[0, SPECK, 20:23, 20:23] = 1.0
    return {"image": torch.rand(2, 3, 32, 32), "kinds": kinds, "ignore": torch.zeros(2, 1, 32, 32)}


def loss_of(logits: Tensor, items: dict[str, Tensor], progress: float = 0.0) -> float:
    objective = KindDetection(Answer(logits), joined=(0, 1, 2, 4))
    objective.progress = progress
    ((player, loss),) = objective.losses(items)
    assert player == "model"
    assert set(objective.report()) == {"entropy", "dice"}
    return loss.item()


@pytest.mark.parametrize("progress", [0.0, 0.9])
def test_the_loss_falls_with_what_is_right(progress: float) -> None:
    items = batch()
    kinds = items["kinds"]
    swapped = kinds.clone()
    swapped[:, 0], swapped[:, SPECK] = kinds[:, SPECK], kinds[:, 0]
    answers = {
        "right": 20.0 * kinds - 10.0,
        "one pixel off": 20.0 * kinds.roll(1, 2) - 10.0,
        "of another kind": 20.0 * swapped - 10.0,
        "false alarm": 20.0 * torch.maximum(kinds, kinds.roll(1, 0)) - 10.0,
        "nothing": torch.full_like(kinds, -10.0),
        "everything": torch.full_like(kinds, 10.0),
    }
    losses = {name: loss_of(answer, items, progress) for name, answer in answers.items()}
    assert losses["right"] < 1e-2
    assert all(losses["right"] < loss < losses["everything"] for loss in list(losses.values())[1:5])
    assert losses["one pixel off"] < losses["nothing"]


def test_ignored_pixels_have_no_part_in_the_loss() -> None:
    items = batch()
    items["ignore"][:, :, 16:] = 1.0
    one, other = (torch.zeros_like(items["kinds"]) for _ in range(2))
    other[:, :, 16:] = 10.0
    assert loss_of(one, items, 0.9) == pytest.approx(loss_of(other, items, 0.9))
    items["ignore"][:] = 1.0
    assert loss_of(one, items) == 0.0


def test_undamaged_batches_teach_what_to_leave_alone() -> None:
    items = batch()
    items["kinds"][:] = 0.0
    silent, loud = (torch.full_like(items["kinds"], value) for value in (-10.0, 3.0))
    assert loss_of(silent, items) < 1e-2
    assert loss_of(loud, items) > 1.0


def test_joined_kinds_are_found_as_damage_though_none_is_sure() -> None:
    """Two kinds at one half each make three quarters of damage."""
    items = batch()
    logits = torch.full_like(items["kinds"], -20.0)
    logits[:, :2] = 0.0
    objective = KindDetection(Answer(logits), joined=(0, 1))
    dice, damaged = objective._dice(logits, items["kinds"], torch.ones(2, 1, 32, 32))
    assert damaged.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    truth = float(items["kinds"].sum())
    expected = (2.0 * 0.75 * truth + 16.0) / (0.75 * 2 * 32 * 32 + truth + 16.0)
    assert dice[-1].item() == pytest.approx(expected, rel=1e-4)


def test_weights_are_the_late_ones_after_the_switch() -> None:
    early, late = KindWeights(1.0, 0.0, 0.0), KindWeights(0.0, 1.0, 0.0)
    objective = KindDetection(Answer(torch.zeros(1)), (0,), early=early, late=late, switch=0.3)
    assert objective.weights is early
    objective.progress = 0.3
    assert objective.weights is late


class Blue(nn.Module):
    """Takes blue for specks and overlays, as probable as it is bright; sees nothing else."""

    def forward(self, image: Tensor) -> Tensor:
        found = torch.zeros(1, len(KINDS), *image.shape[2:])
        found[:, SPECK] = found[:, KINDS.index("overlay")] = image[:, 2]
        return found


def validation_of_specks(undamaged: float) -> KindValidation:
    """Damage is plain at 0.98, 0.85 and, on 3 pixels, 0.75; an undamaged picture shows a patch."""
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[4:8, 4:12, 2] = 217
    picture[4:8, 4:8, 2] = 250
    kinds = np.zeros((len(KINDS), 32, 32), np.uint8)
    picture[20, 20:23, 2] = 191
    marks = [SPECK, KINDS.index("overlay")]
    kinds[marks, 4:8, 4:12] = kinds[marks, 20, 20:23] = 255
    damaged = LabelledDamage(picture, kinds, np.zeros((32, 32), np.uint8), picture)
    plain = np.zeros((32, 32, 3), np.uint8)
    plain[10:20, 10:20, 2] = round(255.0 * undamaged)
    return KindValidation([damaged], [plain])


def test_validation_takes_the_highest_threshold_that_finds_nearly_all() -> None:
    """From 0.8 on the fainter half would not be sure enough, as a region, to be marked.

    Of overlays, which are only looked for when they are asked for, the best is taken, with which
    the three pixels are found, too.
    """
    validation = validation_of_specks(undamaged=0.55)
    score = validation.measure(Blue(), torch.device("cpu"))
    assert validation.details["speck_threshold"] == 0.7
    assert 0.95 < validation.details["speck_f1"] < 1.0
    assert validation.details["speck_false_positives"] == 0.0
    assert validation.details["overlay_threshold"] < 0.6
    assert validation.details["overlay_f1"] == 1.0
    assert validation.details["scratch_f1"] == 0.0
    assert score == pytest.approx(2.0 / len(KINDS))


def test_validation_takes_no_threshold_that_marks_undamaged_pictures() -> None:
    """Though from there on half of the damage is missed."""
    validation = validation_of_specks(undamaged=0.94)
    validation.measure(Blue(), torch.device("cpu"))
    assert validation.details["speck_threshold"] >= 0.9
    assert validation.details["speck_f1"] < 0.95
    assert validation.details["speck_false_positives"] == 0.0


def test_validation_without_an_allowed_threshold_takes_the_highest() -> None:
    plain = np.full((32, 32, 3), 255, np.uint8)
    validation = KindValidation([], [plain])
    validation.measure(Blue(), torch.device("cpu"))
    assert validation.details["speck_threshold"] == max(THRESHOLDS)
    assert validation.details["speck_false_positives"] == 1.0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_film(root)
    write_photographs(root, {"train": 2, "val": 2})
    return root


@pytest.fixture
def recipe() -> Recipe:
    """``damage``, shrunk."""
    return replace(
        load_recipe("damage"),
        build=partial(KindDetector, SMALL),
        data=FilmDamageDataConfig(folders=("photos/train",), crop=64),
        validation=KindValidationConfig(folder="photos/val", count=1, undamaged=1, every=2),
        optim=OptimConfig(warmup=2, ema=0.5),
        steps=2,
        batch=2,
    )


def test_thin_damage_weighs_more() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :, 40:] = 1.0  # a wide patch
    mask[..., 10, 10] = 1.0  # a pixel
    mask[..., 40:42, 0:20] = 1.0  # a scratch
    weights = thinness(mask, 0.5)[0, 0]
    assert weights[30, 60] == 1.0
    assert weights[20, 20] == 1.0, "nothing is damaged there"
    assert weights[10, 10] == weights[11, 9] == pytest.approx(15.0)
    assert weights[40, 8] == weights[41, 8] == pytest.approx((2 / 15) ** -0.5)
    torch.testing.assert_close(thinness(mask, 0.0), torch.ones_like(mask))


def test_validation_draws_the_same_every_time(root: Path) -> None:
    config = KindValidationConfig(folder="photos/val", count=2, undamaged=2)
    first, second = config.open(root), config.open(root)
    assert len(first.damaged) == 6
    assert len(first.undamaged) == 4
    for one, two in zip(first.damaged, second.damaged, strict=True):
        np.testing.assert_array_equal(one.picture, two.picture)
        np.testing.assert_array_equal(one.kinds, two.kinds)
    assert any(item.kinds.any() for item in first.damaged)


@pytest.mark.slow
def test_it_trains_and_exports(recipe: Recipe, root: Path, tmp_path: Path) -> None:
    trainer = Trainer(recipe, root, tmp_path / "run", workers=0)
    assert 0.0 <= trainer.run() <= 1.0
    assert "val_speck_threshold" in (tmp_path / "run" / "log.jsonl").read_text()
    output = tmp_path / "damage.onnx"
    checks = export_checkpoint(trainer.checkpoint, output)
    assert {check.native for check in checks} == {True, False}
    info = read_model_file(output).info
    assert (info.task, info.kinds, info.outputs) == ("detect", KINDS, ("probability",))
    assert info.size_multiple == 16


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_lower_precision_is_judged_by_f1(
    recipe: Recipe,
    root: Path,
    tmp_path: Path,
    precision: Precision,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = KindDetector(SMALL)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    source, output = tmp_path / "fp32.onnx", tmp_path / "lower.onnx"
    export_model(model.eval(), recipe, source)
    loss = conversion.convert(source, precision, recipe, root, output)
    assert loss.unit == "F1"
    picture = cv2.imread(str(next((root / "photos" / "val").iterdir())))
    exact, lower = (Detector.load(p).detect(picture).probability() for p in (source, output))
    assert np.abs(exact - lower).mean() < 0.02
    monkeypatch.setitem(conversion.LIMITS["F1"], precision, -1.0)
    with pytest.raises(ExportError, match=rf"{precision} costs damage .* F1 on its"):
        conversion.convert(source, precision, recipe, root, tmp_path / "x.onnx")
