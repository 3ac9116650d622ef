"""Crops cover the damage, at a cost that follows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk.regions import crops as crops_module
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.coarse import deep_part
from inpaint_sdk.regions.crops import Crop, CropLimits, plan_crops
from inpaint_sdk.regions.grid import cells_filled, cells_touched

Mask = NDArray[np.uint8]
LIMITS = CropLimits(context=(8, 128), multiple=16, max_pixels=1_000_000, crop_cost=1024)


def plan(mask: Mask, limits: CropLimits = LIMITS) -> list[Crop]:
    return plan_crops(mask, cells_touched(mask), limits)


def empty(height: int, width: int) -> Mask:
    return np.zeros((height, width), np.uint8)


def shown(crops: list[Crop]) -> int:
    return sum(crop.box.area for crop in crops)


def assert_covered(mask: Mask, crops: list[Crop], limits: CropLimits = LIMITS) -> None:
    left = mask.copy()
    for crop in crops:
        left[crop.core.slices] = 0
        assert crop.box.union(crop.core) == crop.box, "a core outside its crop"
        assert crop.box.area <= limits.max_pixels
    assert not left.any(), "part of the mask is in no core"


@pytest.mark.parametrize("seed", range(8))
def test_every_pixel_of_random_damage_is_covered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = empty(*rng.integers(1, 900, 2))
    for _ in range(int(rng.integers(1, 30))):
        points = rng.integers(0, 900, (2, 2)).tolist()
        cv2.line(mask, points[0], points[1], 255, int(rng.integers(1, 40)))
    mask[rng.integers(0, mask.shape[0]), rng.integers(0, mask.shape[1])] = 255
    limits = CropLimits((8, 128), 16, 80_000, 1024)
    assert_covered(mask, plan(mask, limits), limits)


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
        mask = empty(2000, 2000)
        mask[800 : 800 + side, 800 : 800 + side] = 255
        (crop,) = plan(mask)
        contexts.append(crop.core.top - crop.box.top)
    assert contexts[0] >= 8
    assert contexts[1] >= 75
    assert contexts == sorted(set(contexts))


def test_near_damage_shares_a_crop_and_far_ones_do_not() -> None:
    mask = empty(1000, 1000)
    mask[100:120, 100:120] = mask[100:120, 150:170] = 255
    assert len(plan(mask)) == 1
    mask[100:120, 800:820] = 255
    assert len(plan(mask)) == 2


def test_a_long_scratch_is_cut_into_pieces() -> None:
    mask = empty(2000, 2000)
    cv2.line(mask, (10, 10), (1990, 1990), 255, 5)
    crops = plan(mask)
    assert not any(crop.is_part for crop in crops)
    assert shown(crops) < 0.1 * 2000 * 2000
    assert_covered(mask, crops)


def test_context_follows_the_width_not_the_length() -> None:
    mask = empty(2000, 2000)
    mask[1000:1004, 100:1900] = 255
    assert shown(plan(mask)) < 1900 * 40


def test_damage_that_fits_no_run_is_filled_in_order() -> None:
    mask = empty(1000, 1000)
    mask[100:900, 100:900] = 255
    limits = CropLimits((8, 128), 16, 400 * 400, 1024)
    crops = plan(mask, limits)
    assert all(crop.is_part for crop in crops)
    assert_covered(mask, crops, limits)


def test_crops_of_one_size_follow_each_other() -> None:
    mask = empty(3000, 3000)
    for index, side in enumerate((20, 200, 20, 200, 20, 200)):
        at = 100 + 480 * index
        mask[at : at + side, at : at + side] = 255
    sizes = [(crop.box.height, crop.box.width) for crop in plan(mask)]
    assert len(sizes) == 6
    assert sum(a != b for a, b in pairwise(sizes)) == 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 16), (17, 40), (100, 3)])
def test_cells_show_single_pixels(height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        mask = empty(height, width)
        mask[y, x] = 255
        touched, filled = cells_touched(mask), cells_filled(255 - mask, 4)
        assert np.argwhere(touched).tolist() == [[y // 8, x // 8]]
        assert np.argwhere(filled == 0).tolist() == [[y // 4, x // 4]]


def specks(count: int, height: int, width: int, seed: int = 0) -> Mask:
    rng = np.random.default_rng(seed)
    mask = empty(height, width)
    for x, y, radius in zip(
        rng.integers(0, width, count).tolist(),
        rng.integers(0, height, count).tolist(),
        rng.integers(2, 7, count).tolist(),
        strict=True,
    ):
        cv2.circle(mask, (x, y), radius, 255, -1)
    return mask


def clusters(height: int, width: int) -> Mask:
    """Two thousand specks in twelve places."""
    rng = np.random.default_rng(0)
    mask = empty(height, width)
    centres = rng.uniform((0, 0), (width, height), (12, 2))
    for x, y in (np.repeat(centres, 166, axis=0) + rng.normal(0, 250, (1992, 2))).tolist():
        cv2.circle(mask, (int(x), int(y)), int(rng.integers(2, 7)), 255, -1)
    return mask


def hairs(height: int, width: int) -> Mask:
    rng = np.random.default_rng(0)
    mask = empty(height, width)
    for x, y in rng.uniform((0, 0), (width, height), (300, 2)):
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.25, 40))
        path = 8 * np.cumsum([np.cos(angles), np.sin(angles)], axis=1) + [[x], [y]]
        cv2.polylines(mask, [path.T.astype(np.int32)], False, 255, 2)
    return mask


def dots(height: int, width: int, spacing: int) -> Mask:
    mask = empty(height, width)
    mask[spacing // 2 :: spacing, spacing // 2 :: spacing] = 255
    return mask


def scratch(height: int, width: int) -> Mask:
    mask = empty(height, width)
    cv2.line(mask, (30, 50), (width - 90, height - 90), 255, 3)
    return mask


LARGE: dict[str, Callable[[], Mask]] = {
    "specks": lambda: specks(2000, 4000, 6000),
    "clusters": lambda: clusters(4000, 6000),
    "hairs": lambda: hairs(4000, 6000),
    "dots-78": lambda: dots(4000, 6000, 78),
    "dots-110": lambda: dots(4000, 6000, 110),
    "scratch": lambda: scratch(4000, 6000),
    "nearly-all": lambda: np.pad(np.full((3999, 6000), 255, np.uint8), ((0, 1), (0, 0))),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_mask_is_planned_quickly(name: str) -> None:
    mask, limits = LARGE[name](), CropLimits((8, 128), 16, 4_000_000, 1024)
    start = time.thread_time()
    cells = cells_touched(mask)
    deep_part(mask, cells, reach=80, rim=32)
    crops = plan_crops(mask, cells, limits)
    assert time.thread_time() - start < 5.0  # on a slow, busy core; minutes if quadratic
    assert_covered(mask, crops, limits)
    assert shown(crops) < 1.3 * mask.size
    assert crops == plan(mask.copy(), limits)


def test_four_times_the_specks_cost_four_times_as_much() -> None:
    """Two thousand specks on 24 megapixels are as dense as five hundred on six."""
    few, many = specks(500, 2000, 3000), specks(2000, 4000, 6000)
    assert shown(plan(many)) < 1.1 * 4 * shown(plan(few)) < 0.75 * many.size


def test_dust_everywhere_is_planned_quickly() -> None:
    """Of ten thousand specks those that are near count as one: they are compared pair by pair."""
    rng = np.random.default_rng(0)
    mask = empty(4000, 6000)
    mask[rng.integers(0, 4000, 10_000), rng.integers(0, 6000, 10_000)] = 255
    start = time.thread_time()
    crops = plan(mask)
    assert time.thread_time() - start < 5.0  # on a slow, busy core; minutes if quadratic
    assert len(crops) < crops_module.MAX_GROUPS
    assert_covered(mask, crops)


def join_pair_by_pair(cores: list[Box], planner: crops_module._Planner) -> list[Box]:
    """The definition of what is joined with what, in time that is quadratic or worse."""
    joined: list[Box] = []
    waiting = cores[::-1]
    while waiting:
        core = waiting.pop()
        for index, other in enumerate(joined):
            both = core.union(other)
            if core.meets(other) or planner.cost(both) <= planner.cost(core) + planner.cost(other):
                del joined[index]
                waiting.append(both)
                break
        else:
            joined.append(core)
    return joined


@pytest.mark.parametrize("seed", range(20))
def test_joining_is_as_pair_by_pair(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 1500, 2).tolist()
    mask = specks(int(rng.integers(1, 80)), height, width, seed)
    for _ in range(int(rng.integers(0, 6))):
        points = rng.integers(0, 1500, (2, 2)).tolist()
        cv2.line(mask, points[0], points[1], 255, int(rng.integers(1, 30)))
    limits = CropLimits(
        (8, 128), int(rng.choice([8, 16, 64])), int(rng.choice([50_000, 10**6])), 1024
    )
    found = plan(mask, limits)
    monkeypatch.setattr(crops_module, "_join", join_pair_by_pair)
    assert found == plan(mask, limits)
