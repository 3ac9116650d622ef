from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import ImageError, MaskError, Restorer

Pixels = NDArray[np.uint8]


def noisy(scene: Pixels, rng: np.random.Generator, sigma: float = 4.0) -> Pixels:
    return np.clip(np.rint(scene + rng.normal(0, sigma, scene.shape)), 0, 255).astype(np.uint8)


@pytest.fixture
def scene(rng: np.random.Generator) -> Pixels:
    coarse = rng.integers(30, 220, (8, 10, 3)).astype(np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


@pytest.fixture
def logo() -> Pixels:
    mask = np.zeros((240, 320), np.uint8)
    mask[20:60, 180:300] = 255
    mask[200:215, 20:40] = 255
    return mask


def test_a_plan_is_good_for_every_picture(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    restore = photo.with_mask(mask)
    for shift in (0, 7):
        rolled = np.roll(image, shift, axis=1)
        np.testing.assert_array_equal(restore(rolled), photo.restore(rolled, mask))
    deep = image.astype(np.uint16) * 257
    np.testing.assert_array_equal(restore(deep), photo.restore(deep, mask))


def test_an_empty_mask_changes_nothing(photo: Restorer, image: Pixels) -> None:
    restore = photo.with_mask(np.zeros(image.shape[:2], np.uint8), steady=True)
    np.testing.assert_array_equal(restore(image), image)


def test_what_is_refused(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    with pytest.raises(ImageError, match="the image is 130x80, the mask is 130x90"):
        photo.with_mask(mask)(image[:80])
    with pytest.raises(MaskError, match="covers the whole image"):
        photo.with_mask(np.ones((9, 9), bool))


def test_steady_keeps_known_pixels(
    photo: Restorer, scene: Pixels, logo: Pixels, rng: np.random.Generator
) -> None:
    restore = photo.with_mask(logo, steady=True)
    for _ in range(3):
        frame = noisy(scene, rng)
        np.testing.assert_array_equal(restore(frame)[logo == 0], frame[logo == 0])


def test_under_a_still_surrounding_nothing_flickers(
    photo: Restorer, scene: Pixels, logo: Pixels, rng: np.random.Generator
) -> None:
    restore = photo.with_mask(logo, steady=True)
    frames = np.stack([restore(noisy(scene, rng)) for _ in range(8)]).astype(float)
    deviation = frames.std(axis=0).mean(axis=2)
    assert deviation[logo > 0].max() == 0.0
    assert deviation[logo == 0].mean() > 3.0


def test_what_moves_is_followed(
    photo: Restorer, scene: Pixels, logo: Pixels, rng: np.random.Generator
) -> None:
    """After a cut to another scene, the filling is what the model gives for it."""
    restore = photo.with_mask(logo, steady=True)
    restore(scene)
    other = 255 - scene
    np.testing.assert_array_equal(restore(other), photo.restore(other, logo))


def test_a_change_beside_one_hole_leaves_the_other(
    photo: Restorer, scene: Pixels, logo: Pixels
) -> None:
    restore = photo.with_mask(logo, steady=True)
    before = restore(scene)
    changed = scene.copy()
    changed[60:100, 180:300] = 255 - changed[60:100, 180:300]
    after = restore(changed)
    small, large = np.s_[200:215, 20:40], np.s_[20:60, 180:300]
    np.testing.assert_array_equal(after[small], before[small])
    assert np.abs(after[large].astype(int) - before[large]).mean() > 2.0


def test_another_form_of_frames_starts_anew(photo: Restorer, scene: Pixels, logo: Pixels) -> None:
    restore = photo.with_mask(logo, steady=True)
    restore(scene)
    deep = scene.astype(np.uint16) * 257
    np.testing.assert_array_equal(restore(deep), photo.restore(deep, logo))
