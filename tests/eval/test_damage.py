from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint_eval.damage import KINDS, VISIBLE, damage_held_out, visible
from inpaint_eval.detection import Counts
from inpaint_eval.pictures import Pixels


@pytest.fixture
def photo() -> Pixels:
    coarse = np.random.default_rng(1).integers(0, 256, (30, 30, 3)).astype(np.uint8)
    return cv2.resize(coarse, (240, 200), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_marked_where_it_shows(kind: str, photo: Pixels) -> None:
    if kind == "text" and not hasattr(cv2, "FontFace"):
        pytest.skip("the held-out letters need OpenCV 5")
    damaged, other = (damage_held_out(np.random.default_rng(4), photo, kind) for _ in range(2))
    np.testing.assert_array_equal(damaged.picture, other.picture)
    np.testing.assert_array_equal(damaged.mask, visible(photo, damaged.picture))
    assert 20 <= np.count_nonzero(damaged.mask) <= 0.4 * damaged.mask.size


def test_what_is_visible(photo: Pixels) -> None:
    after = photo.copy()
    after[10:20, 10:20] ^= 0x40
    after[50, 50, 1] = int(photo[50, 50, 1]) + (
        VISIBLE - 1 if photo[50, 50, 1] < 128 else 1 - VISIBLE
    )
    expected = np.zeros(photo.shape[:2], np.uint8)
    expected[10:20, 10:20] = 255
    np.testing.assert_array_equal(visible(photo, after), expected)
    after[14, 14] = photo[14, 14]  # by chance of the picture's own colour
    np.testing.assert_array_equal(visible(photo, after), expected)


def mask(*rows: str) -> Pixels:
    return np.array([[255 * (c == "#") for c in row] for row in rows], np.uint8)


def test_a_pixel_of_tolerance_forgives_an_edge_and_no_more() -> None:
    truth = mask("........", "..##....", "........", "........")
    beside, off = (
        mask("........", "...##...", "........", "........"),
        mask("........", "........", "........", "..##...."),
    )
    counts = Counts()
    counts.add(beside, truth)
    assert (counts.f1, counts.f1_near) == (0.5, 1.0)
    assert counts.false_positive_rate == 1 / 30
    counts = Counts()
    counts.add(off, truth)
    assert (counts.f1, counts.f1_near) == (0.0, 0.0)


def test_a_speck_beside_a_patch_does_not_find_the_patch() -> None:
    truth, found = np.zeros((2, 12, 12), np.uint8)
    truth[2:10, 2:10] = 255
    found[2, 1] = 255
    counts = Counts()
    counts.add(found, truth)
    assert counts.precision_near == 1.0
    assert counts.recall_near == 2 / 64


def test_ignored_pixels_are_neither_right_nor_wrong() -> None:
    truth, found = mask("##..", "...."), mask("#..#", "....")
    counts = Counts()
    counts.add(found, truth, ignored=mask(".#.#", "...."))
    assert (counts.right, counts.wrong, counts.missed, counts.undamaged) == (1, 0, 0, 5)
    assert counts.f1 == counts.f1_near == 1.0


def test_nothing_found_where_nothing_is() -> None:
    counts = Counts()
    counts.add(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))
    assert (counts.f1, counts.f1_near, counts.false_positive_rate) == (0.0, 0.0, 0.0)
