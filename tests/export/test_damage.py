"""Synthetic damage, and the detector that learns from it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

import inpaint_eval.damage
import inpaint_sdk
from inpaint_eval.damage import VISIBLE, Damaged
from inpaint_eval.held_out_damage import KINDS as HELD_OUT_KINDS
from inpaint_eval.held_out_damage import Kind
from inpaint_export import detection_evaluation
from inpaint_export.cli import main
from inpaint_export.data import damage_kinds
from inpaint_export.data.damage import DamageDataConfig, damage
from inpaint_export.errors import ExportError
from inpaint_export.models.detector import Detector, DetectorConfig
from inpaint_export.onnx_export import export_model
from inpaint_export.precision import convert as conversion
from inpaint_export.precision.storage import round_weights
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.loop import Trainer
from inpaint_export.training.objective import MaskDetection, thinness
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.validation import DamageValidation, DamageValidationConfig
from inpaint_sdk.models.file import read_model_file

Picture = NDArray[np.uint8]
SMALL = DetectorConfig(widths=(8, 8, 8, 8))


@pytest.fixture
def photo() -> Picture:
    coarse = np.random.default_rng(1).integers(0, 256, (30, 30, 3)).astype(np.uint8)
    return cv2.resize(coarse, (240, 200), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


@pytest.fixture
def recipe() -> Recipe:
    """``damage``, shrunk."""
    return replace(
        load_recipe("damage"),
        build=partial(Detector, SMALL),
        data=DamageDataConfig(("train",), crop=64),
        validation=DamageValidationConfig(folder="val", count=1, every=4),
        optim=OptimConfig(warmup=2, ema=0.5),
        steps=4,
        batch=2,
    )


def shaken() -> Detector:
    torch.manual_seed(0)
    model = Detector(SMALL)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval()


def test_the_two_generators_have_the_same_kinds() -> None:
    assert set(HELD_OUT_KINDS) == set(damage_kinds.KINDS)


@pytest.mark.parametrize("kind", damage_kinds.KINDS)
def test_a_kind_changes_a_part_of_a_picture(kind: str, photo: Picture) -> None:
    """The same part for the same seed; most of the picture stays as it is, to the bit."""
    shares = []
    for seed in range(6):
        drawn, again = photo.copy(), photo.copy()
        damage_kinds.KINDS[kind](np.random.default_rng((seed, 3)), drawn)
        damage_kinds.KINDS[kind](np.random.default_rng((seed, 3)), again)
        np.testing.assert_array_equal(drawn, again)
        shares.append((cv2.absdiff(drawn, photo).max(axis=2) >= VISIBLE).mean())
    assert max(shares) > 0.0
    assert min(shares) < 0.7


def test_undamaged_pictures_are_unmarked_though_aged(photo: Picture) -> None:
    changed = 0
    for seed in range(8):
        item = damage(np.random.default_rng(seed), photo, {"text": 1.0}, undamaged=1.0)
        assert not item.mask.any()
        changed += bool((item.picture != photo).any())
    assert changed > 0


def test_damage_leaves_something_to_compare_with(photo: Picture) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        item = damage(rng, photo, {"corners": 1.0, "fading": 1.0}, undamaged=0.0)
        assert (item.mask > 0).mean() <= 0.5


def test_items_depend_on_seed_and_index_alone(data_root: Path, recipe: Recipe) -> None:
    first, second = (recipe.data.open(data_root, seed=3, length=9) for _ in range(2))
    other = recipe.data.open(data_root, seed=4, length=9)
    assert len(first) == 9  # type: ignore[arg-type]
    for name, shape in (("image", (3, 64, 64)), ("mask", (1, 64, 64))):
        assert first[5][name].shape == shape
        assert first[5][name].dtype == torch.uint8
        assert torch.equal(first[5][name], second[5][name])
    assert not torch.equal(first[5]["image"], other[5]["image"])
    assert not torch.equal(first[5]["image"], first[6]["image"])


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kinds of damage \\['rust'\\]"):
        DamageDataConfig(("train",), weights={"rust": 1.0})


def test_the_detector_starts_as_one_that_sees_little() -> None:
    model = Detector()
    assert sum(p.numel() for p in model.parameters()) * 2 < 3e6  # bytes in the file, as fp16
    probability = model(torch.rand(2, 3, 48, 80))
    assert probability.shape == (2, 1, 48, 80)
    torch.testing.assert_close(probability, torch.full_like(probability, 0.0474), atol=1e-3, rtol=0)


def test_the_detector_tells_neighbouring_pixels_apart() -> None:
    """A change of one pixel may change each pixel beside it in another way."""
    model = shaken()
    image = torch.rand(1, 3, 64, 64)
    changed = image.clone()
    changed[..., 30, 30] = 1.0 - changed[..., 30, 30]
    difference = (model.logits(changed) - model.logits(image))[0, 0, 29:32, 29:32]
    assert difference.unique().numel() == 9


def test_the_loss_falls_with_what_is_right() -> None:
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, :, 4:6, 4:28] = 1.0

    class Fixed(torch.nn.Module):
        def __init__(self, logits: torch.Tensor) -> None:
            super().__init__()
            self.values = torch.nn.Parameter(logits)

        def logits(self, image: torch.Tensor) -> torch.Tensor:
            return self.values

    batch = {"image": torch.rand(2, 3, 32, 32), "mask": mask}
    predictions = {
        "right": 20.0 * mask - 10.0,
        "one pixel off": 20.0 * mask.roll(1, 2) - 10.0,
        "nothing": torch.full_like(mask, -10.0),
        "false alarm": 20.0 * mask.roll(1, 0) - 10.0,
        "everything": torch.full_like(mask, 10.0),
    }
    losses = {}
    for name, logits in predictions.items():
        objective = MaskDetection(Fixed(logits))
        ((trained, loss),) = objective.losses(batch)
        assert trained == "model"
        loss.backward()
        losses[name] = loss.item()
        assert set(objective.report()) == {"entropy", "dice"}
    assert losses["right"] < 1e-2
    assert losses["right"] < losses["one pixel off"] < losses["nothing"] < losses["everything"]
    assert losses["nothing"] < losses["false alarm"]


def test_missed_damage_weighs_less_late_in_the_run() -> None:
    batch = {"image": torch.rand(1, 3, 32, 32), "mask": torch.zeros(1, 1, 32, 32)}
    batch["mask"][..., 4:6, 4:28] = 1.0
    model = Detector(SMALL)  # which marks nothing, all over alike
    shares = []
    for progress in (0.0, 0.9):
        objective = MaskDetection(model)
        objective.progress = progress
        ((_, loss),) = objective.losses(batch)
        (slope,) = torch.autograd.grad(loss, [model.head.bias])
        shares.append(slope.sum().item())
    early, late = shares
    assert early < 0.0, "the bias would rise, so that more is marked"
    assert late > early


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


def test_validation_is_the_mean_f1_of_kinds(photo: Picture) -> None:
    """One kind is found, of the other a half, and something else."""
    photo = np.minimum(photo[:192], 240)
    white = photo.copy()
    white[20:40, 20:60] = 255
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:40, 20:60] = 255
    half = mask.copy()
    half[:30] = 0

    class White(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return (image.amin(dim=1, keepdim=True) > 0.99).float()

    kinds = {"a": [Damaged(white, mask), Damaged(photo, mask * 0)], "b": [Damaged(white, half)]}
    found = DamageValidation(kinds).measure(White(), torch.device("cpu"))
    assert found == pytest.approx((1.0 + 2 / 3) / 2)


def test_it_trains_exports_and_detects(
    recipe: Recipe, data_root: Path, tmp_path: Path, photo: Picture
) -> None:
    trainer = Trainer(recipe, data_root, tmp_path / "run", workers=0)
    assert 0.0 <= trainer.run() <= 1.0
    output = tmp_path / "damage.onnx"
    command = ["export", str(trainer.checkpoint), "-o", str(output)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    info = read_model_file(output).info
    assert (info.task, info.outputs, info.size_multiple) == ("detect", ("probability",), 16)
    found = inpaint_sdk.Detector.load(output, channels="rgb").detect(photo)
    round_weights(trainer.ema.module)  # as the file has them
    with torch.inference_mode():
        image = torch.from_numpy(photo.transpose(2, 0, 1)[None].copy()).float() / 255
        padded = torch.from_numpy(
            np.pad(image.numpy(), ((0, 0), (0, 0), (0, 8), (0, 0)), "symmetric")
        )
        expected = trainer.ema.module.eval()(padded)[0, 0, :200]
    np.testing.assert_allclose(found.probability(), expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_lower_precision_is_judged_by_f1(
    recipe: Recipe,
    data_root: Path,
    tmp_path: Path,
    photo: Picture,
    precision: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    export_model(shaken(), recipe, tmp_path / "fp32.onnx")
    source, output = tmp_path / "fp32.onnx", tmp_path / "lower.onnx"
    loss = conversion.convert(source, precision, recipe, data_root, output)  # type: ignore[arg-type]
    assert loss.unit == "F1"
    exact, lower = (
        inpaint_sdk.Detector.load(p).detect(photo).probability() for p in (source, output)
    )
    assert np.abs(exact - lower).mean() < 0.02
    monkeypatch.setitem(conversion.F1_LIMITS, precision, -1.0)  # type: ignore[arg-type]
    with pytest.raises(ExportError, match=rf"{precision} costs damage .* F1 on its"):
        conversion.convert(source, precision, recipe, data_root, tmp_path / "x.onnx")  # type: ignore[arg-type]


def test_the_evaluation_counts_what_it_should(
    detector_file: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector of magenta, and two kinds of damage: one magenta, the other not."""

    def box(colour: tuple[float, float, float]) -> Kind:
        def draw(rng: np.random.Generator, light: NDArray[np.float32]) -> NDArray[np.float32]:
            drawn = np.minimum(light, np.float32(0.8))
            drawn[40:60, 50:90] = colour
            return drawn

        return draw

    kinds = {"magenta": box((1.0, 0.0, 1.0)), "white": box((1.0, 1.0, 1.0))}
    folder = tmp_path / "grey"
    folder.mkdir()
    cv2.imwrite(str(folder / "one.png"), np.full((128, 128, 3), 100, np.uint8))
    for module in (inpaint_eval.damage, detection_evaluation):
        monkeypatch.setattr(module, "KINDS", kinds)
    copy = tmp_path / "magenta.onnx"
    copy.write_bytes(detector_file.read_bytes())
    document = tmp_path / "magenta.json"
    arguments = ["eval", str(copy), "--data", str(folder), "--write", "-o", str(document)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    rows = {row.kind: row for row in read_model_file(copy).info.detection}
    assert (rows["magenta"].f1, rows["white"].f1) == (1.0, 0.0)
    assert rows["all kinds"].f1 == 0.5
    assert (rows["none"].f1, rows["none"].false_positive_rate, rows["none"].pictures) == (
        None,
        0.0,
        1,
    )
    assert re.search(r"^magenta +1.000 +1.000 +0.000 %", result.output, re.MULTILINE)
    assert "at 512x512 (median)" in result.output
    figures = {row["kind"]: row for row in json.loads(document.read_text())["rows"]}
    white, magenta = figures["white"], figures["magenta"]
    assert white["psnr_found"] == white["psnr_damaged"] < white["psnr_true"]
    assert magenta["psnr_damaged"] < magenta["psnr_found"]
    assert figures["all kinds"]["psnr_true"] == pytest.approx(
        (white["psnr_true"] + magenta["psnr_true"]) / 2, abs=1e-3
    )
