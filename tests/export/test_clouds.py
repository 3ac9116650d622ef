from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inpaint_export.data.clouds import (
    Veil,
    fractal_noise,
    under_thick_clouds,
    under_thin_cloud,
)
from inpaint_export.data.pairs import HELD_OUT_EVERY, Clouds, PairDataConfig, read_pairs
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
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


def test_both_pictures_are_cropped_alike(root: Path) -> None:
    dataset = PairDataConfig("set", "thin", crop=64, synthetic=0.0).open(root, seed=0, length=20)
    for index in range(20):
        item = dataset[index]
        assert item["image"].shape == item["clear"].shape == (3, 64, 64)
        difference = item["image"].float() - item["clear"].float()
        assert abs(difference.mean() - 100) < 1
        assert difference.std() < 2
        assert torch.equal(item["image"], dataset[index]["image"])


@pytest.mark.parametrize("clouds", ["thin", "thick"])
def test_synthetic_clouds_lighten(root: Path, clouds: Clouds) -> None:
    dataset = PairDataConfig("set", clouds, crop=64, synthetic=1.0).open(root, seed=0, length=30)
    items = [dataset[i] for i in range(30)]
    changes = [float((i["image"].float() - i["clear"].float()).mean()) for i in items]
    assert np.mean(changes) > 10


def test_a_thin_cloud_is_an_even_layer() -> None:
    """Half of the time; one gain and one offset then explain the picture but for its noise."""
    rng = np.random.default_rng(0)
    clear = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    errors = []
    for _ in range(20):
        cloudy = under_thin_cloud(rng, clear)
        gain, offset = np.polyfit(clear.ravel(), cloudy.ravel(), 1)
        errors.append(float(np.std(cloudy - gain * clear - offset)))
        assert 0.0 < gain < 0.9
        assert offset > 0.0
    assert np.median(errors) < 3.0


def test_thick_clouds_hide_and_cast_shadows() -> None:
    rng = np.random.default_rng(1)
    clear = np.full((128, 128, 3), 120, np.uint8)
    pictures = [under_thick_clouds(rng, clear) for _ in range(20)]
    assert max(p.max() for p in pictures) > 200
    assert min(p.min() for p in pictures) < 90


def test_a_veil_goes_back_over_its_own_ground(root: Path) -> None:
    for cloudy, clear in read_pairs(root / "set", held_out=False):
        again = Veil.between(cloudy, clear).over(clear)
        assert np.abs(again.astype(int) - cloudy).max() <= 1
        # And a shadow: the pair the other way round.
        again = Veil.between(clear, cloudy).over(cloudy)
        assert np.abs(again.astype(int) - clear).max() <= 2


def test_clouds_are_transplanted_and_grounds_are_foreign(root: Path) -> None:
    config = PairDataConfig(
        "set", "thick", extra=("set/clear",), crop=64, synthetic=0.0, transplanted=1.0, foreign=1.0
    )
    item = config.open(root, seed=0, length=1)[0]
    assert (item["image"].float() - item["clear"].float()).mean() > 30


@pytest.mark.parametrize(
    "shares", [{"synthetic": 1.2}, {"foreign": -0.1}, {"synthetic": 0.6, "transplanted": 0.6}]
)
def test_shares_that_cannot_be(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"share"):
        PairDataConfig("set", "thin", **shares)  # type: ignore[arg-type]


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
        with torch.inference_mode():
            difference = model(near)[1] - model(far)[1]
        changed[rounds] = float(difference[..., 200:, 200:].abs().max())
    assert changed[0] == 0.0
    assert changed[2] > 1e-5


def test_clouds_are_trained_by_the_same_loop(root: Path, tmp_path: Path) -> None:
    recipe = replace(
        load_recipe("cloud-thin"),
        build=partial(Sarnn, SMALL),
        data=PairDataConfig("set", "thin", crop=64),
        validation=PairValidationConfig("set", every=2),
        steps=4,
        batch=2,
    )
    trainer = Trainer(recipe, root, tmp_path, workers=0)
    before = recipe.validation.open(root).measure(trainer.ema.module, torch.device("cpu"))
    assert trainer.run() != before
