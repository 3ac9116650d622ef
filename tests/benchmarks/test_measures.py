from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from inpaint_bench.quality import Score, mean_score, score
from inpaint_bench.timing import interleaved, ratio_interval, summarise


def test_psnr_is_that_of_scikit_image(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    restored = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    measured = score(restored, truth, np.ones((32, 32), np.uint8))
    expected = peak_signal_noise_ratio(truth, restored)
    assert measured.psnr == pytest.approx(expected)
    assert measured.psnr_hole == pytest.approx(expected)


def test_the_hole_is_measured_alone(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 200, (32, 32, 3)).astype(np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[:8] = 255
    restored = truth.copy()
    restored[:8] += 10
    measured = score(restored, truth, mask)
    assert measured.psnr_hole == pytest.approx(20 * np.log10(255 / 10))
    assert measured.psnr == pytest.approx(measured.psnr_hole + 10 * np.log10(4))
    assert measured.ssim < 1.0


def test_a_perfect_picture_has_finite_figures() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    assert score(picture, picture, np.ones((16, 16), np.uint8)) == Score(100.0, 100.0, 1.0)


def test_mean_score() -> None:
    assert mean_score([Score(10, 20, 0.5), Score(20, 40, 1.0)]) == Score(15, 30, 0.75)


def test_candidates_take_turns() -> None:
    calls: list[str] = []
    work = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    times = interleaved(work, rounds=3, warmup=1)
    assert calls == ["a", "b"] * 4
    assert {name: len(t) for name, t in times.items()} == {"a": 3, "b": 3}


def test_summary_is_in_milliseconds() -> None:
    timing = summarise([i / 1000 for i in range(1, 102)])
    assert (timing.p50, timing.p90, timing.p99, timing.runs) == pytest.approx((51, 91, 100, 101))


def test_ratio_interval_covers_the_ratio(rng: np.random.Generator) -> None:
    theirs = rng.gamma(9.0, 1.0, 300)
    ratio, low, high = ratio_interval(2.0 * rng.permutation(theirs), theirs)
    assert ratio == pytest.approx(2.0)
    assert 1.7 < low < 2.0 < high < 2.3
