"""Tiles cover a picture without seams, with the least work."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.tiles import Axis, _axis, _count, cut_axes, run_tiled

Floats = NDArray[np.float32]


def whole(height: int, width: int, output: Floats | None = None, **options: int) -> Floats:
    """A picture put together from tiles that each give their part of ``output``."""
    if output is None:
        output = np.random.default_rng(0).random((height, width, 2), np.float32)
    found = np.full_like(output, np.nan)
    for box, planes in run_tiled(
        *cut_axes(height, width, **options), lambda b: output[b.slices].copy()
    ):
        assert np.isnan(found[box.slices]).all(), "a pixel was given twice"
        found[box.slices] = planes
    np.testing.assert_allclose(found, output, atol=1e-6)
    return found


SIZES = [(1, 1), (7, 300), (300, 7), (256, 256), (333, 517), (1000, 90), (640, 480)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("max_pixels", [1_000, 20_000, 10_000_000])
@pytest.mark.parametrize("overlap", [0, 16, 64, 500])
def test_tiles_that_agree_give_the_picture(
    height: int, width: int, max_pixels: int, overlap: int
) -> None:
    whole(height, width, max_pixels=max_pixels, overlap=overlap, multiple=8)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("max_pixels", [4_000, 50_000])
def test_tiles_stay_within_the_bound_and_on_the_grid(
    height: int, width: int, max_pixels: int
) -> None:
    seen: list[Box] = []

    def run(box: Box) -> Floats:
        seen.append(box)
        return np.zeros((box.height, box.width, 1), np.float32)

    list(run_tiled(*cut_axes(height, width, max_pixels=max_pixels, overlap=32, multiple=8), run))
    for box in seen:
        assert box.area <= max_pixels
        assert box.top % 8 == box.left % 8 == 0


def test_output_at_a_tiles_border_is_not_used() -> None:
    """A quarter of the overlap from a border inside the picture, its weight is zero."""
    overlap = 64

    def run(box: Box) -> Floats:
        output = np.zeros((box.height, box.width, 1), np.float32)
        margin = overlap // 4
        for side, border in enumerate(box):
            if border in (0, 500):
                continue
            at = slice(0, margin) if side % 2 == 0 else slice(-margin, None)
            output[(at, slice(None)) if side < 2 else (slice(None), at)] = 1000.0
        return output

    for _, planes in run_tiled(
        *cut_axes(500, 500, max_pixels=40_000, overlap=overlap, multiple=4), run
    ):
        assert not planes.any()


def test_tiles_that_differ_are_blended_without_a_step() -> None:
    """Tiles with outputs 0 and 1 in turn: no step is larger than the ramp's."""
    count = 0

    def run(box: Box) -> Floats:
        nonlocal count
        count += 1
        return np.full((box.height, box.width, 1), count % 2, np.float32)

    found = np.empty((400, 900, 1), np.float32)
    for box, planes in run_tiled(
        *cut_axes(400, 900, max_pixels=60_000, overlap=64, multiple=8), run
    ):
        found[box.slices] = planes
    assert count > 4
    assert found.min() == 0.0
    assert found.max() == 1.0
    for axis in (0, 1):
        assert np.abs(np.diff(found, axis=axis)).max() <= 1 / 30


def test_a_picture_that_fits_is_one_tile() -> None:
    rows, columns = cut_axes(300, 400, max_pixels=120_000, overlap=64, multiple=8)
    assert (rows.starts, rows.ends, columns.starts, columns.ends) == ((0,), (300,), (0,), (400,))


@pytest.mark.parametrize(("height", "width"), [(384, 384), (385, 100), (2000, 1500)])
def test_a_bounded_side_bounds_both_sides(height: int, width: int) -> None:
    axes = cut_axes(height, width, max_pixels=10_000_000, overlap=128, multiple=8, max_side=384)
    sides = [e - s for axis in axes for s, e in zip(axis.starts, axis.ends, strict=True)]
    assert max(sides) <= 384
    assert [len(axis.starts) > 1 for axis in axes] == [height > 384, width > 384]


def cut_by_trying(
    height: int, width: int, max_pixels: int, overlap: int, multiple: int, max_side: int | None
) -> tuple[Axis, Axis]:
    """The definition of :func:`cut_axes`: every pair of counts is cut out and measured."""
    max_side = max_side or max(height, width)
    if height * width <= max_pixels and max(height, width) <= max_side:
        return _axis(height, 1, overlap, multiple), _axis(width, 1, overlap, multiple)
    side = max(multiple, min(max_side, int(max_pixels**0.5)) // multiple * multiple)
    overlap = min(overlap, side // 3)
    counts = _count(height, side, overlap), _count(width, side, overlap)
    rows, columns = (
        [_axis(length, n, overlap, multiple) for n in range(1, 2 * count + 1)]
        for length, count in zip((height, width), counts, strict=True)
    )
    best = None
    for down, across in product(rows, columns):
        pixels = down.ends[0] * across.ends[0]
        work = pixels * len(down.starts) * len(across.starts)
        if pixels > max_pixels or max(down.ends[0], across.ends[0]) > max_side:
            continue
        if best is None or work < best[0]:
            best = work, (down, across)
    if best is None:
        return rows[counts[0] - 1], columns[counts[1] - 1]
    return best[1]


def placed(axes: tuple[Axis, Axis]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [(axis.starts, axis.ends) for axis in axes]


@pytest.mark.parametrize(
    ("overlap", "multiple", "max_side"),
    [(0, 1, None), (16, 8, None), (64, 32, 100), (128, 8, 384), (500, 4, None)],
)
def test_the_cut_is_the_best_of_all(overlap: int, multiple: int, max_side: int | None) -> None:
    for height, width, max_pixels in product(
        (1, 9, 64, 257, 700), (1, 31, 65, 385, 1024), (900, 5_000, 40_000, 10**7)
    ):
        found = cut_axes(
            height,
            width,
            max_pixels=max_pixels,
            overlap=overlap,
            multiple=multiple,
            max_side=max_side,
        )
        expected = cut_by_trying(height, width, max_pixels, overlap, multiple, max_side)
        assert placed(found) == placed(expected), (height, width, max_pixels)


@pytest.mark.parametrize(("max_pixels", "max_side"), [(200_000, None), (3_000_000, 384)])
def test_a_large_picture_is_cut_quickly(max_pixels: int, max_side: int | None) -> None:
    start = time.thread_time()
    cut_axes(12_000, 12_000, max_pixels=max_pixels, overlap=128, multiple=8, max_side=max_side)
    assert time.thread_time() - start < 5.0  # on a slow, busy core
