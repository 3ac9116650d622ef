from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inpaint_export.data import distortions
from inpaint_export.models.crnn import Adaptation, Crnn, CrnnConfig, Reader, Sequences
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe

SMALL = CrnnConfig(widths=(8, 8, 8), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1), state=4)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_noise_has_the_variance_that_was_asked_for(rng: np.random.Generator) -> None:
    for level in (0.3, 0.6):
        light = np.full((200, 200, 3), level, np.float32)
        noise = distortions.quick_noise(rng, light.shape)
        noisy = distortions.add_noise(light, shot=0.004, read=0.02, noise=noise)
        expected = np.sqrt(0.004 * level + 0.02**2)
        assert (noisy - light).std() == pytest.approx(expected, rel=0.02)
        assert abs((noisy - light).mean()) < 1e-3


@pytest.mark.parametrize(
    ("kernel", "deviation"),
    [
        (distortions.gaussian(1.7), (1.7, 1.7)),
        (distortions.disc(4.0), (2.0, 2.0)),  # of an even disc: half of its radius
        (distortions.streak(12.0, 0.0), (12.0 / np.sqrt(12.0), 0.0)),
        (distortions.streak(12.0, np.pi / 2), (0.0, 12.0 / np.sqrt(12.0))),
    ],
)
def test_kernels_are_as_wide_as_they_should_be(
    kernel: np.ndarray, deviation: tuple[float, float]
) -> None:
    half = kernel.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    assert kernel.min() >= 0.0
    found = [float(np.sqrt((kernel * axis**2).sum())) for axis in (x, y)]
    assert found == pytest.approx(deviation, abs=0.45)
    assert abs((kernel * x).sum()) + abs((kernel * y).sum()) < 1e-4


def test_codecs_lose_more_at_lower_quality(rng: np.random.Generator) -> None:
    light = rng.random((64, 64, 3)).astype(np.float32)
    for suffix in (".jpg", ".webp"):
        errors = [
            float(np.square(distortions.compress(light, suffix, q) - light).mean())
            for q in (90, 50, 10)
        ]
        assert errors == sorted(errors)
    # Colours keep their order through the encoder.
    red = np.zeros((16, 16, 3), np.float32)
    red[..., 0] = 1.0
    assert distortions.compress(red, ".jpg", 95)[..., 0].mean() > 0.9


@pytest.mark.parametrize("reader", ["scan", "none", pytest.param("gru", marks=pytest.mark.slow)])
def test_a_network_starts_as_the_identity_and_exports(reader: Reader, tmp_path: Path) -> None:
    config = replace(SMALL, shallow=reader, deep=reader)
    image = torch.rand(2, 3, 32, 48)
    output, diagnosis = Crnn(config)(image)
    torch.testing.assert_close(output, image)
    assert diagnosis.shape == (2, 3)
    torch.manual_seed(0)
    model = Crnn(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    checks = export_model(model, load_recipe("clean"), tmp_path / "clean.onnx")
    assert max(check.difference for check in checks) < 1e-4


@pytest.mark.parametrize(("reader", "sees"), [("gru", True), ("scan", True), ("none", False)])
def test_readers_see_far(reader: Reader, sees: bool) -> None:
    torch.manual_seed(0)
    sequences = Sequences(8, state=4, kind=reader, block=4).eval()
    for parameter in sequences.parameters():
        parameter.data += 0.25 * torch.randn_like(parameter)
    near = torch.rand(1, 8, 64, 64)
    far = near.clone()
    far[..., :8, :8] += 1.0
    with torch.inference_mode():
        difference = (sequences(near) - sequences(far))[..., 28:36, 28:36]
    assert (float(difference.abs().max()) > 1e-6) == sees


def test_what_a_picture_suffers_from_decides_for_all_of_it() -> None:
    torch.manual_seed(0)
    adaptation = Adaptation(3, 4)
    x, condition = torch.rand(2, 4, 5, 6), torch.rand(2, 3)
    torch.testing.assert_close(adaptation(x, condition), x)  # before it has learned
    torch.nn.init.normal_(adaptation.decide.weight)
    change = adaptation(x, condition) - x
    gain, offset = adaptation.decide(condition).chunk(2, dim=1)
    torch.testing.assert_close(change[1, 2], x[1, 2] * gain[1, 2] + offset[1, 2])


def test_the_readers_cost_alike() -> None:
    counts = [
        sum(p.numel() for p in Crnn(CrnnConfig(shallow=r, deep=r)).parameters())
        for r in ("gru", "scan", "none")
    ]
    assert max(counts) < 1.02 * min(counts)
    assert max(counts) * 4 < 6e6
