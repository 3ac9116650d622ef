from __future__ import annotations

from dataclasses import replace

import pytest

from inpaint_sdk import BackendError
from inpaint_sdk.engines.profile import LONGEST, OptimizationProfile, Shape
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import MODELS

PHOTO = read_model_file(MODELS / "photo.onnx").info
READER = read_model_file(MODELS / "text-line.onnx").info


def test_shapes_are_read_with_and_without_a_batch() -> None:
    assert Shape.parse("512x768") == Shape(1, 512, 768)
    assert Shape.parse("4x512x768") == Shape(4, 512, 768)


@pytest.mark.parametrize("text", ["", "512", "512x", "ax3", "1x2x3x4", "-1x2", "512 x 512"])
def test_texts_that_are_no_shapes(text: str) -> None:
    with pytest.raises(BackendError, match="height x width"):
        Shape.parse(text)


@pytest.mark.parametrize("numbers", [(2, 1, 3), (1, 3, 2), (0, 1, 1)])
def test_shapes_that_are_not_in_order(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(BackendError, match="not in order"):
        OptimizationProfile(*(Shape(1, n, 64) for n in numbers))


def test_the_default_follows_the_model() -> None:
    profile = OptimizationProfile.default(PHOTO)
    profile.check(PHOTO)
    assert profile.opt == Shape(1, 256, 256)
    assert profile.max == Shape(1, LONGEST, LONGEST)
    assert profile.holds(Shape(1, 16, 2048))
    assert not profile.holds(Shape(2, 16, 16))
    odd = OptimizationProfile.default(replace(PHOTO, size_multiple=24, trained_size=3000))
    odd.check(replace(PHOTO, size_multiple=24))
    assert odd.max == Shape(1, 3000, 3000)


def test_sizes_that_the_model_has_not() -> None:
    profile = OptimizationProfile(Shape(1, 16, 16), Shape(1, 16, 16), Shape(1, 500, 512))
    with pytest.raises(BackendError, match=r"500x512.*multiples of 16"):
        profile.check(PHOTO)


def test_a_reader_takes_lines_of_one_height() -> None:
    profile = OptimizationProfile.default(READER)
    profile.check(READER)
    height = READER.trained_size
    assert {shape.height for shape in (profile.min, profile.opt, profile.max)} == {height}
    assert profile.holds(Shape(1, height, 4))
    assert profile.holds(Shape(1, height, LONGEST))
    with pytest.raises(BackendError, match=rf"64x320.*lines of {height} pixels of height"):
        OptimizationProfile(*[Shape(1, 64, 320)] * 3).check(READER)
