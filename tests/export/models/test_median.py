"""Medians of minima and maxima against OpenCV's and NumPy's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from inpaint_export.models.median import median3, median7


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 2), (33, 48)])
def test_median3_is_exact(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    found = median3(torch.from_numpy(picture).float()[None, None])[0, 0].numpy()
    np.testing.assert_array_equal(found, cv2.medianBlur(picture, 3))


def test_dilated_pixels_lie_apart() -> None:
    picture = np.random.default_rng(1).random((9, 11), np.float32)
    found = median3(torch.from_numpy(picture)[None, None], dilation=2)[0, 0].numpy()
    padded = np.pad(picture, 2, mode="edge")
    expected = np.median([padded[i : i + 9, j : j + 11] for i in (0, 2, 4) for j in (0, 2, 4)], 0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 3), (4, 4), (2, 40)])
def test_median7_removes_what_is_small(height: int, width: int) -> None:
    image = torch.full((1, 1, 40, 40), 0.25)
    image[..., 17 : 17 + height, 0 if width == 40 else 15 : 40 if width == 40 else 15 + width] = 1.0
    assert torch.equal(median7(median3(image)), torch.full_like(image, 0.25))


def test_median7_keeps_what_is_large() -> None:
    image = torch.full((1, 1, 40, 40), 0.25)
    image[..., 10:20, 10:20] = 1.0
    assert median7(median3(image))[0, 0, 15, 15] == 1.0
