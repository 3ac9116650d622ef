from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk.regions.crops import Crop, Shape, plan_crops
from inpaint_sdk.regions.grid import cells_filled, cells_touched

Mask = NDArray[np.uint8]
SHAPE = Shape(context=(32, 128), step=32, most=1_000_000)


def plan(hole: Mask, shape: Shape = SHAPE) -> list[Crop]:
    return plan_crops(hole, cells_touched(hole), shape)


def empty(height: int, width: int) -> Mask:
    return np.zeros((height, width), np.uint8)


def shown(crops: list[Crop]) -> int:
    return sum(crop.box.area for crop in crops)


def assert_covered(hole: Mask, crops: list[Crop], shape: Shape = SHAPE) -> None:
    left = hole.copy()
    for crop in crops:
        left[crop.core.slices] = 0
        assert crop.box.union(crop.core) == crop.box, "a core outside its crop"
        assert crop.box.area <= shape.most
    assert not left.any(), "part of the hole is in no core"


@pytest.mark.parametrize("seed", range(8))
def test_every_pixel_of_random_damage_is_covered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hole = empty(*rng.integers(1, 900, 2))
    for _ in range(int(rng.integers(1, 30))):
        points = rng.integers(0, 900, (2, 2)).tolist()
        cv2.line(hole, points[0], points[1], 255, int(rng.integers(1, 40)))
    hole[rng.integers(0, hole.shape[0]), rng.integers(0, hole.shape[1])] = 255
    shape = Shape((32, 128), 32, 80_000)
    assert_covered(hole, plan(hole, shape), shape)


def test_cost_follows_the_damage_not_the_picture() -> None:
    small, large = empty(1000, 1500), empty(4000, 6000)
    for top, left in ((100, 100), (700, 300), (500, 1300)):
        small[top : top + 60, left : left + 60] = 255
    large[:1000, :1500] = small
    assert shown(plan(small)) == shown(plan(large))
    assert shown(plan(large)) < 3 * 160**2


def test_context_grows_with_the_damage() -> None:
    contexts = []
    for side in (10, 150, 400):
        hole = empty(2000, 2000)
        hole[800 : 800 + side, 800 : 800 + side] = 255
        (crop,) = plan(hole)
        contexts.append(crop.core.top - crop.box.top)
    assert contexts[0] >= 32
    assert contexts == sorted(set(contexts))


def test_near_holes_share_a_crop_and_far_ones_do_not() -> None:
    hole = empty(1000, 1000)
    hole[100:120, 100:120] = hole[100:120, 150:170] = 255
    assert len(plan(hole)) == 1
    hole[100:120, 800:820] = 255
    assert len(plan(hole)) == 2


def test_a_long_scratch_is_cut_into_parts() -> None:
    hole = empty(2000, 2000)
    cv2.line(hole, (10, 10), (1990, 1990), 255, 5)
    crops = plan(hole)
    assert all(crop.is_part for crop in crops)
    assert shown(crops) < 0.4 * 2000 * 2000
    assert_covered(hole, crops)


def test_crops_of_one_shape_follow_each_other() -> None:
    hole = empty(3000, 3000)
    for index, side in enumerate((20, 200, 20, 200, 20, 200)):
        at = 100 + 480 * index
        hole[at : at + side, at : at + side] = 255
    shapes = [(crop.box.height, crop.box.width) for crop in plan(hole)]
    assert len(shapes) == 6
    assert sum(a != b for a, b in pairwise(shapes)) == 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 16), (17, 40), (100, 3)])
def test_cells_show_single_pixels(height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        hole = empty(height, width)
        hole[y, x] = 255
        touched, filled = cells_touched(hole), cells_filled(255 - hole, 4)
        assert np.argwhere(touched).tolist() == [[y // 16, x // 16]]
        assert np.argwhere(filled == 0).tolist() == [[y // 4, x // 4]]


def test_dust_everywhere_is_planned_quickly() -> None:
    """Ten thousand specks are joined into few crops, since specks are compared pair by pair."""
    rng = np.random.default_rng(0)
    hole = empty(4000, 6000)
    hole[rng.integers(0, 4000, 10_000), rng.integers(0, 6000, 10_000)] = 255
    crops = plan(hole)
    assert len(crops) < 600
    assert_covered(hole, crops)
