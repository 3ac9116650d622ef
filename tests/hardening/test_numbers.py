"""Extreme values, shapes and masks: undamaged pixels come back bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from inpaint_sdk import InpaintError, Restorer

SHAPES = [(1, 2), (2, 1), (40, 1), (1, 40), (3, 30_000), (30_000, 3)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("value", ["zero", "largest", "random"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_undamaged_pixels(
    photo: Restorer, shape: tuple[int, int], value: str, dtype: type[np.integer]
) -> None:
    most = np.iinfo(dtype).max
    rng = np.random.default_rng(0)
    pixels = {
        "zero": np.zeros((*shape, 3), dtype),
        "largest": np.full((*shape, 3), most, dtype),
        "random": rng.integers(0, most, (*shape, 3), dtype, endpoint=True),
    }[value]
    mask = np.zeros(shape, np.uint8)
    mask[0, 0] = 255
    restored = photo.restore(pixels, mask)
    assert restored.dtype == dtype
    assert np.array_equal(restored[mask == 0], pixels[mask == 0])


def test_the_only_pixel_is_masked(photo: Restorer) -> None:
    with pytest.raises(InpaintError):
        photo.restore(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), np.uint8))


def test_a_huge_picture_with_a_sparse_mask(photo: Restorer) -> None:
    side = 6000
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[::7, ::5] = 200
    mask = np.zeros((side, side), np.uint8)
    for at in (0, side // 2, side - 9):
        mask[at : at + 8, at : at + 8] = 255
    restored = photo.restore(pixels, mask)
    restored[mask != 0] = pixels[mask != 0]
    assert np.array_equal(restored, pixels)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(photo: Restorer, value: float) -> None:
    pixels = np.full((8, 8, 3), value, np.float32)
    mask = np.zeros((8, 8), np.uint8)
    mask[0, 0] = 1
    with pytest.raises(InpaintError):
        photo.restore(pixels, mask)
