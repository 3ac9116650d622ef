from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint_eval import drawing, text
from inpaint_eval.pictures import Pixels


@pytest.fixture
def picture() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def test_paint_blends_and_leaves_the_rest_to_the_bit(picture: Pixels) -> None:
    painted, opacity = picture.copy(), np.zeros((40, 60), np.float32)
    opacity[5:9, 7:20] = 1.0
    opacity[20:25, 30:35] = 0.5
    colour = np.array([1.0, 0.5, 0.0], np.float32)
    drawing.paint(painted, opacity, colour)
    assert (painted[5:9, 7:20] == [255, 128, 0]).all()
    exact = picture[20:25, 30:35] * 0.5 + np.array([255, 128, 0]) * 0.5
    assert np.abs(painted[20:25, 30:35] - exact).max() <= 1.0
    np.testing.assert_array_equal(painted[opacity == 0], picture[opacity == 0])


@pytest.mark.parametrize("at", [(-3, -2), (55, 36), (70, 0), (-30, 5)])
def test_paint_cuts_off_what_lies_outside(picture: Pixels, at: tuple[int, int]) -> None:
    stamp = np.full((8, 10), 255, np.uint8)
    expected = np.zeros((140, 160), bool)
    expected[50 + at[1] : 58 + at[1], 50 + at[0] : 60 + at[0]] = True
    expected = expected[50:90, 50:110]
    before = np.maximum(picture, 1)
    painted = before.copy()
    drawing.paint(painted, stamp, np.zeros(3, np.float32), at=at)
    np.testing.assert_array_equal((painted == 0).all(axis=2), expected)
    np.testing.assert_array_equal(painted[~expected], before[~expected])


def test_paint_takes_another_picture_as_the_colour(picture: Pixels) -> None:
    painted, other = picture.copy(), 255 - picture
    opacity = np.zeros((40, 60), np.uint8)
    opacity[10:20, 10:20] = 255
    drawing.paint(painted, opacity, other)
    np.testing.assert_array_equal(painted[10:20, 10:20], other[10:20, 10:20])
    np.testing.assert_array_equal(painted[:10], picture[:10])


def test_lines_are_as_wide_as_they_should_be() -> None:
    for width in (0.75, 1.5, 3.0):
        canvas = drawing.Canvas((40, 40))
        canvas.line(np.array([[20.0, -5.0], [20.0, 45.0]]), width)
        assert canvas.coverage()[20].sum() / 255.0 == pytest.approx(width, abs=0.3)
    canvas = drawing.Canvas((40, 40))
    points = np.stack([np.full(9, 20.0), np.linspace(0.0, 40.0, 9)], axis=1)
    canvas.ribbon(points, np.linspace(1.0, 5.0, 9))
    widths = canvas.coverage().sum(axis=1) / 255.0
    assert widths[5] == pytest.approx(1.5, abs=0.4)
    assert widths[35] == pytest.approx(4.5, abs=0.4)


def test_an_empty_canvas_covers_nothing() -> None:
    assert not drawing.Canvas((16, 24)).coverage(1.0).any()


@pytest.mark.parametrize("cell", [3.0, 10.0, 40.0])
def test_smooth_noise_is_of_about_unit_scale_and_smooth(cell: float) -> None:
    rng = np.random.default_rng(0)
    fields = [drawing.smooth_noise(rng, (90, 130), cell) for _ in range(20)]
    assert fields[0].shape == (90, 130)
    assert 0.5 < np.std(fields) < 1.3
    step = np.mean([np.abs(np.diff(field, axis=1)).mean() for field in fields])
    assert step < 2.5 / cell


@pytest.mark.parametrize("size", [0.0, 0.8])
@pytest.mark.parametrize("colourful", [0.0, 1.0])
def test_grain_has_the_deviation_that_is_asked_for(size: float, colourful: float) -> None:
    grey = np.full((900, 200, 3), 128, np.uint8)
    grainy = drawing.add_grain(
        np.random.default_rng(0), grey, 10.0 / 255.0, size=size, colourful=colourful
    )
    noise = grainy.astype(float) - 128.0
    assert noise.std(axis=(0, 1)) == pytest.approx(10.0, rel=0.05)
    assert abs(noise.mean()) < 0.3
    shared = np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1]
    assert shared == pytest.approx(1.0 - colourful, abs=0.05)
    neighbours = np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]
    assert (neighbours > 0.3) == (size > 0.0)


def test_spots_fill_their_place_alone() -> None:
    rng = np.random.default_rng(2)
    field = drawing.spots(rng, (300, 300), 1, (10.0, 10.0))
    assert 0.0 <= field.min() <= field.max() <= 1.0
    assert 40 < np.count_nonzero(field > 0.5) < 1500


def test_text_is_laid_out_as_soft_letters() -> None:
    rng = np.random.default_rng(0)
    pages = [text.lay_out(rng, (120, 160), 20.0, text.ALL_OVER) for _ in range(5)]
    for page in pages:
        assert page.shape == (120, 160)
        assert 0.02 < (page > 127).mean() < 0.7
    letters = text.letters(rng, "Words", 16.0)
    assert letters.max() > 200
    assert 10 <= letters.shape[0] <= 40


def test_compression_keeps_the_order_of_colours() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    for suffix in (".jpg", ".webp"):
        decoded = drawing.compress(red, suffix, 95)
        assert cv2.absdiff(decoded, red).max() < 20
