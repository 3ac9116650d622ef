"""Scores against scikit-image's and against those that follow by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from inpaint_eval.scores import (
    Score,
    downsampled_hole,
    gradient_ratio,
    gradient_similarity,
    mean_score,
    score,
)


def test_figures_are_those_of_scikit_image(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    restored = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    measured = score(restored, truth, np.ones((32, 32), np.uint8))
    expected = peak_signal_noise_ratio(truth, restored)
    assert measured.psnr == pytest.approx(expected)
    assert measured.psnr_hole == pytest.approx(expected)
    assert measured.ssim == pytest.approx(structural_similarity(restored, truth, channel_axis=2))


def test_the_hole_is_measured_alone(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 200, (32, 32, 3)).astype(np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[:8] = 255
    restored = truth.copy()
    restored[:8] = rng.permutation(truth[:8])
    restored[:8, :, 0] = truth[:8, :, 0] + 10
    measured = score(restored, truth, mask)
    everywhere = score(restored[:8], truth[:8], None)
    assert measured.psnr_hole == pytest.approx(everywhere.psnr)
    assert measured.psnr == pytest.approx(measured.psnr_hole + 10 * np.log10(4))
    assert measured.ssim_hole is not None and measured.gms_hole is not None
    assert measured.ssim_hole < measured.ssim < 1.0
    assert measured.gms_hole < 1.0
    assert measured.gmsd > 0.0


def test_a_perfect_picture_has_finite_figures() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    assert score(picture, picture, np.ones((16, 16), np.uint8)) == Score(
        psnr_hole=100.0, psnr=100.0, ssim_hole=1.0, ssim=1.0, gmsd=0.0, gms_hole=1.0
    )


def test_without_a_mask_there_is_no_hole() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    measured = score(picture, picture, None)
    assert measured.psnr_hole is measured.ssim_hole is measured.gms_hole is None


def test_mean_score() -> None:
    one = Score(psnr_hole=10, psnr=20, ssim_hole=0.2, ssim=0.5, gmsd=0.1, gms_hole=None)
    other = Score(psnr_hole=20, psnr=40, ssim_hole=0.4, ssim=1.0, gmsd=0.3, gms_hole=0.5)
    mean = mean_score([one, other])
    assert (mean.psnr_hole, mean.psnr, mean.ssim, mean.gmsd) == pytest.approx((15, 30, 0.75, 0.2))
    assert mean.gms_hole is None


def test_gradient_similarity_of_an_edge_that_is_lost() -> None:
    """By hand: an edge of 90 grey levels is, at half the size, Prewitt's 90 on two columns."""
    truth = np.zeros((16, 16, 3), np.uint8)
    truth[:, 8:] = 90
    lost = np.zeros((16, 16, 3), np.uint8)
    gms = gradient_similarity(lost, truth)
    assert gms.shape == (8, 8)
    value = 170 / (90**2 + 170)
    np.testing.assert_allclose(gms[:, 3:5], value)
    np.testing.assert_allclose(np.delete(gms, (3, 4), axis=1), 1.0)
    assert gms.std() == pytest.approx((1 - value) * np.sqrt(0.25 * 0.75))
    np.testing.assert_array_equal(gradient_similarity(truth, lost), gms)


def test_a_hole_of_one_pixel_is_one_of_the_map() -> None:
    hole = np.zeros((5, 5), bool)
    hole[4, 3] = True
    found = downsampled_hole(hole)
    assert found.shape == (3, 3)
    assert np.argwhere(found).tolist() == [[2, 1]]


def test_blur_lowers_the_gradient_ratio(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 256, (60, 60, 3)).astype(np.uint8)
    mask = np.zeros((60, 60), np.uint8)
    mask[15:45, 15:45] = 255
    outside = truth.copy()
    outside[mask == 0] = 0
    assert gradient_ratio(truth, truth, mask) == 1.0
    assert gradient_ratio(outside, truth, mask) == 1.0  # the step at the border does not count
    blurred = gradient_ratio(cv2.blur(truth, (5, 5)).astype(np.uint8), truth, mask)
    assert blurred is not None and blurred < 0.4


def test_a_flat_picture_has_no_gradient_ratio() -> None:
    flat, mask = np.full((32, 32, 3), 90, np.uint8), np.full((32, 32), 255, np.uint8)
    assert gradient_ratio(flat, flat, mask) is None
