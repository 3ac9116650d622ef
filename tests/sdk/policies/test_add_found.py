"""A mask that was drawn, joined with what a detector finds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import DetectionOptions, MaskError, OptionError, Options, Restorer

Pixels = NDArray[np.uint8]
ADD = Options(add_found=True, detection=DetectionOptions(dilation=0))


@pytest.fixture
def damaged(image: Pixels) -> Pixels:
    damaged = image.copy()
    damaged[4:8, 20:80] = (255, 0, 255)
    return damaged


def test_both_are_restored(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    found = finder.detect(damaged, options=ADD).mask
    assert found.any() and not (found & mask).any()
    expected = finder.restore(damaged, mask | found)
    result = finder.run(damaged, mask, options=ADD)
    np.testing.assert_array_equal(result.image, expected)
    np.testing.assert_array_equal(result.mask, np.where(mask | found, 255, 0))
    assert [step.action for step in result.plan.steps] == ["detect", "inpaint"]


def test_frames_are_each_looked_at(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    restore = finder.frames(mask, options=ADD)
    for frame in (damaged, np.roll(damaged, 9, axis=0)):
        np.testing.assert_array_equal(restore(frame), finder.restore(frame, mask, options=ADD))


def test_auto_changes_nothing_else(detector_file: str, damaged: Pixels, mask: Pixels) -> None:
    noise = np.random.default_rng(0).normal(0.0, 30.0, damaged.shape)
    noisy = np.clip(damaged + noise, 0, 255).astype(np.uint8)
    result = Restorer.load("auto", threads=2, detector=detector_file).run(noisy, mask, options=ADD)
    assert result.mask is not None
    kept = result.mask == 0
    np.testing.assert_array_equal(result.image[kept], noisy[kept])


def test_models_that_see_damage_by_themselves_refuse(image: Pixels, mask: Pixels) -> None:
    clean = Restorer.load("clean", threads=2, options=ADD)
    with pytest.raises(OptionError, match="sees damage by itself"):
        clean.restore(image, mask)
    with pytest.raises(OptionError, match="sees damage by itself"):
        clean.frames(mask)


def test_what_is_found_in_all_the_rest_is_left_alone(
    finder: Restorer, image: Pixels, mask: Pixels, caplog: pytest.LogCaptureFixture
) -> None:
    """What is marked is restored as without ``add_found``: one frame does not end a video."""
    damaged = image.copy()
    damaged[mask == 0] = (255, 0, 255)
    expected = finder.restore(damaged, mask)
    result = finder.run(damaged, mask, options=ADD)
    np.testing.assert_array_equal(result.image, expected)
    np.testing.assert_array_equal(result.mask, mask)
    assert result.plan.left_alone[0].startswith("damage was found everywhere")
    np.testing.assert_array_equal(finder.frames(mask, options=ADD)(damaged), expected)
    np.testing.assert_array_equal(finder.frames(options=ADD)(damaged, mask), expected)
    assert caplog.text.count("damage was found everywhere") == 2


def test_a_mask_of_everything(finder: Restorer, image: Pixels, mask: Pixels) -> None:
    everything = np.ones_like(mask)
    with pytest.raises(MaskError, match="covers the whole image"):
        finder.restore(image, everything, options=ADD)
    with pytest.raises(MaskError, match="covers the whole image"):
        finder.frames(everything, options=ADD)
    np.testing.assert_array_equal(finder.frames(options=ADD)(image, everything), image)
