from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inpaint_export.data.camera import Camera, Development, NoiseReduction, Sensor
from inpaint_export.data.demosaicing import METHODS, Method, demosaic, mosaic
from inpaint_export.data.noisy_photos import (
    FAMILIES,
    LEFT_ALONE,
    NoisyPhotoDataConfig,
    draw_noisy,
)
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.recipes import load_recipe
from inpaint_export.training.cleaning import Cleaning, degradation_loss
from inpaint_export.training.loop import Trainer
from inpaint_export.training.noise_validation import NoiseValidationConfig


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def smooth(seed: int = 0, side: int = 96, cells: int = 6) -> np.ndarray:
    """Soft colours, uint8, of middling brightness: a mosaic loses hardly anything of them."""
    coarse = np.random.default_rng(seed).integers(60, 190, (cells, cells, 3)).astype(np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


QUIET = Sensor(shot=0.0, read=0.0, banding=0.0, clips=True)
PLAIN = Development(
    demosaicking="bilinear",
    to_srgb=np.eye(3, dtype=np.float32),
    gains=np.ones(3, np.float32),
    contrast=0.0,
)
UNTOUCHED = NoiseReduction(chroma=0.0, luma="none", threshold=1.0, kept=0.0)
CAMERA = Camera(0.0, QUIET, PLAIN, UNTOUCHED, None, 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_demosaicking_gives_soft_colours_back(method: Method) -> None:
    light = smooth().astype(np.float32) / 255.0
    found = demosaic(mosaic(light), method)
    inside = (slice(4, -4), slice(4, -4))
    assert np.abs(found - light)[inside].max() < 0.02
    # Colours are where they belong: a red picture is red.
    red = np.zeros((16, 16, 3), np.float32)
    red[..., 0] = 0.8
    assert demosaic(mosaic(red), method)[4:-4, 4:-4].mean(axis=(0, 1)) == pytest.approx(
        (0.8, 0.0, 0.0), abs=0.01
    )


def test_the_gradient_corrected_method_is_sharper_than_the_bilinear_one() -> None:
    """Grey edges, where colours change together, are what it corrects."""
    edge = np.repeat(np.repeat((np.arange(32) >= 16)[None, :, None], 32, 0), 3, 2) * np.float32(0.5)
    errors = [
        float(np.square(demosaic(mosaic(edge), m) - edge)[4:-4, 4:-4].mean())
        for m in ("bilinear", "gradient-corrected")
    ]
    assert errors[1] < 0.6 * errors[0]


def test_a_sensor_s_noise_grows_with_the_light(rng: np.random.Generator) -> None:
    sensor = Sensor(shot=0.002, read=0.01, banding=0.0, clips=False)
    for level in (0.1, 0.6):
        seen = sensor.see(rng, np.full((200, 200), level, np.float32))
        assert seen.std() == pytest.approx((0.002 * level + 0.01**2) ** 0.5, rel=0.03)
        assert seen.mean() == pytest.approx(level, abs=2e-3)


def test_development_is_undone(rng: np.random.Generator) -> None:
    scene = smooth()
    for _ in range(20):
        development = Development.random(rng)
        developed = development.develop(mosaic(development.undo(scene)))
        difference = np.abs(developed - scene / 255.0)[4:-4, 4:-4]
        # Some colours are out of a camera's range; most come back.
        assert np.median(difference) < 0.01


def test_noise_of_a_camera_is_coarse_and_tied_to_brightness(rng: np.random.Generator) -> None:
    camera = replace(CAMERA, sensor=Sensor(0.004, 0.002, 0.0, clips=False))
    scene = np.full((256, 256, 3), 60, np.uint8)
    scene[:, 128:] = 200
    noisy, clear, noise = camera.shoot(rng, scene, None, 256)
    residual = (noisy - clear)[8:-8]
    assert noise == pytest.approx(float((noisy - clear).std()), rel=0.05)
    dark, bright = residual[:, 8:120, 1], residual[:, 136:-8, 1]
    assert abs(dark.std() / bright.std() - 1.0) > 0.1
    beside = float(np.corrcoef(dark[:, 1:].ravel(), dark[:, :-1].ravel())[0, 1])
    assert beside > 0.2  # white noise: 0


@pytest.mark.parametrize("reduction", [("coring", 0.0), ("bilateral", 0.0), ("none", 2.0)])
def test_noise_reduction_leaves_less(
    rng: np.random.Generator, reduction: tuple[str, float]
) -> None:
    light = np.full((64, 64, 3), 0.5, np.float32)
    noisy = light + rng.normal(0.0, 0.05, light.shape).astype(np.float32)
    smoothed = replace(UNTOUCHED, luma=reduction[0], chroma=reduction[1], threshold=2.0).apply(
        noisy, 0.05
    )
    assert 0.1 * 0.05 < (smoothed - light).std() < 0.9 * 0.05
    assert UNTOUCHED.apply(noisy, 0.05) is noisy


def test_without_noise_a_camera_s_two_pictures_are_one(rng: np.random.Generator) -> None:
    for _ in range(10):
        camera = replace(Camera.random(rng), sensor=QUIET, reduction=UNTOUCHED)
        scene = smooth(side=camera.side(64))
        noisy, clear, noise = camera.shoot(rng, scene, None, 64)
        assert noisy.shape == (64, 64, 3)
        assert np.array_equal(noisy, clear)
        assert noise == 0.0


def test_blur_is_of_the_noisy_picture_alone(rng: np.random.Generator) -> None:
    scene = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    kernel = np.full((3, 3), 1.0 / 9.0, np.float32)
    sharp, clear, _ = CAMERA.shoot(rng, scene, None, 64)
    blurred, still_clear, noise = CAMERA.shoot(rng, scene, kernel, 64)
    assert np.array_equal(clear, still_clear)
    assert blurred.std() < 0.8 * sharp.std()
    assert noise == 0.0  # a blur is no noise


@pytest.mark.parametrize("family", FAMILIES)
def test_items_are_what_was_asked_for(rng: np.random.Generator, family: str) -> None:
    photo = smooth(side=200, cells=25)
    drawn = [draw_noisy(rng, photo, 48, (0.6, 1.0), family) for _ in range(60)]
    for item in drawn:
        assert item.image.shape == item.clear.shape == (48, 48, 3)
        assert all(0.0 <= value <= 1.0 for value in item.strength.values())
    kinds = {kind for item in drawn for kind in item.strength}
    assert (
        kinds
        == {
            "camera": {"noise", "blur", "compression"},
            "white": {"noise"},
            "codec": {"compression"},
            "mixture": {"noise", "blur", "compression"},
            "clean": set(),
            "grain": set(),
        }[family]
    )
    if family in LEFT_ALONE:
        assert all(np.array_equal(item.image, item.clear) for item in drawn)
    if family == "white":
        told = [item.strength["noise"] for item in drawn]
        errors = [float((item.image.astype(float) - item.clear).std()) for item in drawn]
        assert np.corrcoef(told, errors)[0, 1] > 0.98


def test_a_codec_s_blocks_begin_anywhere(rng: np.random.Generator) -> None:
    """Steps between blocks of JPEG are not always at multiples of 8."""
    photo = smooth(side=200, cells=25)
    places = set()
    for _ in range(30):
        item = draw_noisy(rng, photo, 64, (1.0, 1.0), "codec")
        if item.strength["compression"] < 0.7:
            continue
        change = item.image.astype(float) - item.clear
        steps = np.abs(np.diff(change, axis=1)).mean(axis=(0, 2))
        places.add(int(np.argmax([steps[i::8].mean() for i in range(8)])))
    assert len(places) > 2


def test_faint_degradation_counts() -> None:
    """An error of 0.02 is worth more of a faint strength than of a strong one."""
    faint = degradation_loss(torch.tensor([0.02]), torch.tensor([0.0]))
    strong = degradation_loss(torch.tensor([0.52]), torch.tensor([0.5]))
    assert faint > 20 * strong
    assert degradation_loss(torch.tensor([0.3]), torch.tensor([0.3])) == 0.0


def test_the_absolute_error_comes_first() -> None:
    """By the logarithm, an error of a grey level in an undamaged picture outweighs strong noise."""
    clear = torch.full((2, 3, 16, 16), 0.5)
    noise = torch.tensor([1.0, 25.0])[:, None, None, None] / 255.0
    batch = {"image": clear + noise, "clear": clear, "strength": torch.zeros(2, 3)}
    pulls = []
    for progress in (0.0, 0.9):
        change = torch.zeros(2, 1, 1, 1, requires_grad=True)
        objective = Cleaning(_Shifted(change))
        objective.progress = progress
        ((_, loss),) = objective.losses(batch)
        loss.backward()
        assert change.grad is not None
        undamaged, noisy = change.grad.flatten().abs().tolist()
        pulls.append(undamaged / noisy)
    assert pulls[0] == pytest.approx(1.0)
    assert pulls[1] > 3.0


class _Shifted(torch.nn.Module):
    def __init__(self, change: torch.Tensor) -> None:
        super().__init__()
        self.change = change

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return image + self.change, torch.full((2, 3), 0.5)


def test_the_network_is_small_and_starts_as_the_identity() -> None:
    model = load_recipe("clean").build()
    assert sum(p.numel() for p in model.parameters()) * 4 < 6e6
    image = torch.rand(1, 3, 32, 48)
    torch.testing.assert_close(model(image)[0], image)


def test_the_recipe_trains(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), smooth(index, 300, 30))
    small = CrnnConfig((8, 8, 8), (1, 1, 1), (1, 1), None, "scan", 4, "zeros")
    recipe = replace(
        load_recipe("clean"),
        build=partial(Crnn, small),
        data=NoisyPhotoDataConfig(("photos",), crop=64),
        validation=NoiseValidationConfig("photos", count=1, every=4),
        steps=4,
        batch=2,
    )
    assert isinstance(recipe.objective, partial)
    assert recipe.objective.func is Cleaning
    assert np.isfinite(Trainer(recipe, tmp_path, tmp_path / "run", workers=0).run())
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert all(f"val_psnr_{family}" in log for family in FAMILIES)
