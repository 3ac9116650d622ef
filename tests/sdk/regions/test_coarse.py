"""The inside of wide damage, and pictures at a reduced size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_sdk import Options, Restorer
from inpaint_sdk.options import Strategy
from inpaint_sdk.regions.coarse import _deep_part, deep_part, reduce, reduce_mask
from inpaint_sdk.regions.grid import cells_touched


def test_narrow_damage_has_no_inside() -> None:
    mask = np.zeros((300, 300), np.uint8)
    mask[100:150, 20:280] = 255
    assert deep_part(mask, cells_touched(mask), reach=40, rim=10) is None


def test_the_inside_of_wide_damage() -> None:
    mask = np.zeros((400, 500), np.uint8)
    mask[100:300, 100:300] = 255
    mask[180:220, 300:480] = 255  # an arm too narrow to have an inside of its own
    found = deep_part(mask, cells_touched(mask), reach=60, rim=20)
    assert found is not None
    box, inside = found
    assert abs(box.top - 120) <= 4
    assert abs(box.left - 120) <= 4
    assert abs(box.bottom - 280) <= 4
    assert inside.shape == (box.height, box.width)
    assert (mask[box.slices][inside > 0] == 255).all()
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[box.slices]
    assert distance[inside > 0].min() > 20 - 8
    assert distance[inside == 0].max() < 20 + 8


@pytest.mark.parametrize("seed", range(30))
def test_looking_where_damage_is_is_as_looking_everywhere(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((int(rng.integers(200, 500)), int(rng.integers(200, 500))), np.uint8)
    for _ in range(rng.integers(1, 5)):
        y, x, h, w = (16 * rng.integers(0, 24, 4)).tolist()  # aligned with cells, the hard case
        mask[y : y + h, x : x + w] = 255
    x, y, radius = (int(v) for v in rng.integers(20, 200, 3))
    cv2.circle(mask, (x, y), radius // 2, 255, -1)
    mask[int(rng.integers(0, 200)), int(rng.integers(0, 200))] = 0
    found, expected = deep_part(mask, cells_touched(mask), 40, 12), _deep_part(mask, 40, 12)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])


def test_what_is_masked_does_not_leak_into_the_reduced_picture() -> None:
    picture = np.full((100, 100, 3), 0.25, np.float32)
    mask = np.zeros((100, 100), np.uint8)
    mask[31:60, 31:60] = 255
    picture[mask > 0] = 1.0
    small, small_mask = reduce(picture, mask, (50, 50)), reduce_mask(mask, (50, 50))
    np.testing.assert_allclose(small[small_mask == 0], 0.25, atol=1e-6)


def test_something_stays_known_at_any_size() -> None:
    mask = np.full((64, 64), 255, np.uint8)
    mask[5, 5] = 0
    assert (reduce_mask(mask, (4, 4)) == 0).sum() == 1


def test_one_known_pixel_is_enough(photo: Restorer) -> None:
    image = np.full((700, 700, 3), (40, 90, 200), np.uint8)
    mask = np.full((700, 700), 255, np.uint8)
    mask[350, 350] = 0
    result = photo.restore(image, mask)
    assert tuple(result[350, 350]) == (40, 90, 200)


def test_large_holes_are_filled_better_coarse_to_fine(photo: Restorer, shared_data: Path) -> None:
    def psnr(strategy: Strategy) -> float:
        scores = []
        for path in sorted((shared_data / "photos" / "kodak24").iterdir())[::3]:
            image = cv2.imread(str(path))
            assert image is not None
            mask = np.zeros(image.shape[:2], np.uint8)
            mask[100:400, 100:400] = 255
            result = photo.restore(image, mask, options=Options(strategy=strategy))
            error = np.square(result.astype(float) - image)[mask > 0].mean()
            scores.append(10 * np.log10(255**2 / error))
        return float(np.mean(scores))

    assert psnr("auto") > psnr("crop") + 0.2
