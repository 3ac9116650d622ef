from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.tiles import cut_axes, run_tiled

Planes = NDArray[np.float32]


def whole(height: int, width: int, answer: Planes | None = None, **options: int) -> Planes:
    """A picture put together from tiles that each give their part of ``answer``."""
    if answer is None:
        answer = np.random.default_rng(0).random((height, width, 2), np.float32)
    found = np.full_like(answer, np.nan)
    for box, planes in run_tiled(
        *cut_axes(height, width, **options), lambda b: answer[b.slices].copy()
    ):
        assert np.isnan(found[box.slices]).all(), "a pixel was given twice"
        found[box.slices] = planes
    np.testing.assert_allclose(found, answer, atol=1e-6)
    return found


SIZES = [(1, 1), (7, 300), (300, 7), (256, 256), (333, 517), (1000, 90), (640, 480)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("most", [1_000, 20_000, 10_000_000])
@pytest.mark.parametrize("overlap", [0, 16, 64, 500])
def test_tiles_that_agree_give_the_picture(
    height: int, width: int, most: int, overlap: int
) -> None:
    whole(height, width, most=most, overlap=overlap, multiple=8)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("most", [4_000, 50_000])
def test_tiles_stay_within_the_bound_and_on_the_grid(height: int, width: int, most: int) -> None:
    seen: list[Box] = []

    def run(box: Box) -> Planes:
        seen.append(box)
        return np.zeros((box.height, box.width, 1), np.float32)

    list(run_tiled(*cut_axes(height, width, most=most, overlap=32, multiple=8), run))
    for box in seen:
        assert box.area <= most
        assert box.top % 8 == box.left % 8 == 0


def test_what_a_tile_says_at_its_border_is_not_used() -> None:
    """A quarter of the overlap from a border inside the picture, its weight is zero."""
    overlap = 64

    def run(box: Box) -> Planes:
        answer = np.zeros((box.height, box.width, 1), np.float32)
        margin = overlap // 4
        for side, border in enumerate(box):
            if border in (0, 500):
                continue
            at = slice(0, margin) if side % 2 == 0 else slice(-margin, None)
            answer[(at, slice(None)) if side < 2 else (slice(None), at)] = 1000.0
        return answer

    for _, planes in run_tiled(*cut_axes(500, 500, most=40_000, overlap=overlap, multiple=4), run):
        assert not planes.any()


def test_tiles_that_differ_are_blended_without_a_step() -> None:
    """Tiles with answers 0 and 1 in turn: no step is larger than the ramp's."""
    count = 0

    def run(box: Box) -> Planes:
        nonlocal count
        count += 1
        return np.full((box.height, box.width, 1), count % 2, np.float32)

    found = np.empty((400, 900, 1), np.float32)
    for box, planes in run_tiled(*cut_axes(400, 900, most=60_000, overlap=64, multiple=8), run):
        found[box.slices] = planes
    assert count > 4
    assert found.min() == 0.0
    assert found.max() == 1.0
    for axis in (0, 1):
        assert np.abs(np.diff(found, axis=axis)).max() <= 1 / 30


def test_a_picture_that_fits_is_one_tile() -> None:
    rows, columns = cut_axes(300, 400, most=120_000, overlap=64, multiple=8)
    assert (rows.starts, rows.ends, columns.starts, columns.ends) == ((0,), (300,), (0,), (400,))


@pytest.mark.parametrize(("height", "width"), [(384, 384), (385, 100), (2000, 1500)])
def test_a_bounded_side_bounds_both_sides(height: int, width: int) -> None:
    axes = cut_axes(height, width, most=10_000_000, overlap=128, multiple=8, longest=384)
    sides = [e - s for axis in axes for s, e in zip(axis.starts, axis.ends, strict=True)]
    assert max(sides) <= 384
    assert [len(axis.starts) > 1 for axis in axes] == [height > 384, width > 384]
