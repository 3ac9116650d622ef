from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inpaint_export.data.pairs import HELD_OUT_EVERY, PairDataConfig, fractal_noise, read_pairs
from inpaint_export.models.sarnn import Sarnn, SarnnConfig, ScanRound
from inpaint_export.recipes import load_recipe
from inpaint_export.training.loop import Trainer
from inpaint_export.training.validation import PairValidationConfig

SMALL = SarnnConfig(widths=(8, 8), state=4, guided=1, refining=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pairs: the clear pictures' blue tells their number, the cloudy ones are lighter."""
    root = tmp_path_factory.mktemp("clouds")
    rng = np.random.default_rng(2)
    for kind in ("cloudy", "clear"):
        (root / "set" / kind).mkdir(parents=True)
    for index in range(10):
        clear = rng.integers(0, 120, (72, 80, 3)).astype(np.uint8)
        clear[..., 0] = 10 * index
        cv2.imwrite(str(root / "set" / "clear" / f"{index}.png"), clear)
        cv2.imwrite(str(root / "set" / "cloudy" / f"{index}.png"), clear + 100)
    return root


def test_held_out_pairs_are_never_trained_on(root: Path) -> None:
    held = {int(clear[0, 0, 2]) // 10 for _, clear in read_pairs(root / "set", held_out=True)}
    trained = {int(clear[0, 0, 2]) // 10 for _, clear in read_pairs(root / "set", held_out=False)}
    assert held == {i for i in range(10) if i % HELD_OUT_EVERY == 0}
    assert held | trained == set(range(10))
    assert not held & trained


def test_a_missing_partner_is_an_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "cloudy").mkdir()
    cv2.imwrite(str(tmp_path / "cloudy" / "3.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match="no clear picture"):
        read_pairs(tmp_path, held_out=True)


def test_both_pictures_are_cropped_and_coloured_alike(root: Path) -> None:
    config = PairDataConfig("set", crop=64, synthetic=0.0)
    dataset = config.open(root, seed=0, length=20)
    for index in range(20):
        item = dataset[index]
        assert item["image"].shape == item["clear"].shape == (3, 64, 64)
        difference = item["image"].float() - item["clear"].float()
        # 100 before the change of exposure, which is within a tenth.
        assert 85 < difference.mean() < 115
        assert difference.std() < 12
        again = dataset[index]
        assert torch.equal(item["image"], again["image"])


def test_synthetic_clouds_lighten_and_hide(root: Path) -> None:
    dataset = PairDataConfig("set", crop=64, synthetic=1.0).open(root, seed=0, length=20)
    changes = [
        (dataset[i]["image"].float() - dataset[i]["clear"].float()).mean() for i in range(20)
    ]
    assert min(changes) > -1
    assert max(changes) > 30


def test_fractal_noise_is_smooth_and_of_unit_scale() -> None:
    field = fractal_noise(np.random.default_rng(0), (96, 128))
    assert field.shape == (96, 128)
    assert 0.5 < field.std() < 2.0
    assert np.abs(np.diff(field, axis=1)).mean() < 0.2 * field.std()


@pytest.mark.parametrize(
    "change",
    [{}, {"rounds": 1}, {"rounds": 0}, {"direction_weights": False}, {"attention": False}],
    ids=str,
)
def test_the_network_and_its_comparisons_start_as_the_identity(change: dict[str, object]) -> None:
    model = Sarnn(replace(SMALL, **change))  # type: ignore[arg-type]
    image = torch.rand(2, 3, 48, 64)
    output, attention = model(image)
    torch.testing.assert_close(output, image)
    assert attention.shape == (2, 1, 48, 64)
    assert attention.min() >= 0.0
    assert attention.max() <= 1.0


def test_recurrence_carries_context_across_the_picture() -> None:
    """A far corner changes the attention with the recurrence, and cannot without it."""
    torch.manual_seed(0)
    near = torch.rand(1, 3, 256, 256)
    far = near.clone()
    far[..., :64, :64] += 1.0
    changed = {}
    for rounds in (0, 2):
        torch.manual_seed(0)
        model = Sarnn(replace(SMALL, state=16, rounds=rounds)).eval()
        for module in model.modules():
            if isinstance(module, ScanRound):
                module.raw_weight.data.fill_(4.0)  # a recurrence that forgets little
        difference = model(near)[1] - model(far)[1]
        changed[rounds] = float(difference[..., 200:, 200:].abs().max())
    assert changed[0] == 0.0
    assert changed[2] > 1e-3


def test_clouds_are_trained_by_the_same_loop(root: Path, tmp_path: Path) -> None:
    recipe = replace(
        load_recipe("cloud-thin"),
        build=lambda: Sarnn(SMALL),
        data=PairDataConfig("set", crop=64),
        validation=PairValidationConfig("set", every=2),
        steps=4,
        batch=2,
    )
    trainer = Trainer(recipe, root, tmp_path, workers=0)
    before = recipe.validation.open(root).measure(trainer.ema.module, torch.device("cpu"))
    assert trainer.run() != before
