"""Texture that is laid over the inside of wide holes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inpaint_sdk import Options, Restorer
from inpaint_sdk.regions import texture
from inpaint_sdk.regions.texture import MARGIN, SHARP, STEP, TILE, lacks_texture
from inpaint_sdk.runners.texture import add_texture


def sand(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A grain that is the same everywhere, on a colour that is not."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0.0, 40.0, (height, width)), (0, 0), 0.8)
    slope = np.linspace(90.0, 150.0, width)[None, :]
    grey = np.clip(slope + grain, 0, 255)[..., None]
    return (grey * np.array([0.8, 0.9, 1.0])).astype(np.uint8)


def holed(height: int = 160, width: int = 192) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The truth, its hole, and the hole filled with a blur."""
    truth, mask = sand(height, width), np.zeros((height, width), np.uint8)
    mask[48:112, 60:130] = 255
    blurred = cv2.GaussianBlur(truth, (0, 0), 9.0)
    return truth, mask, np.where(mask[..., None] > 0, blurred, truth)


def contrast(picture: np.ndarray, where: np.ndarray) -> float:
    grey = picture.reshape(*picture.shape[:2], -1).astype(np.float64).mean(axis=2)
    return float((grey - cv2.GaussianBlur(grey, (0, 0), 2.0))[where].std())


def test_the_inside_gets_the_grain_of_its_surroundings() -> None:
    truth, mask, filled = holed()
    inside = cv2.erode(mask, np.ones((33, 33), np.uint8)) > 0
    true = contrast(truth, inside)
    assert contrast(filled, inside) < 0.1 * true
    found = [filled.copy() for _ in range(3)]
    for picture, amount in zip(found, (0.5, 1.0, 1.0), strict=True):
        add_texture(picture, mask, amount)
        np.testing.assert_array_equal(picture[mask == 0], truth[mask == 0])
    half, whole, again = found
    np.testing.assert_array_equal(whole, again)
    assert 0.75 < contrast(whole, inside) / true < 1.25
    assert 0.3 < contrast(half, inside) / true < 0.7
    colours = [picture[inside].astype(float).mean(axis=0) for picture in (whole, filled)]
    np.testing.assert_allclose(*colours, atol=2.0)  # texture has no colour of its own


def test_lots_keep_one_patch_from_making_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them the likest patch is all that a hole of one colour shows."""
    _, mask, filled = holed()
    filled[mask > 0] = 120

    def likeness_to_itself() -> float:
        """A step further, along either axis."""
        picture = filled.copy()
        add_texture(picture, mask, 1.0)
        part = picture[64:96, 76:114].mean(axis=2)
        along = np.corrcoef(part[:, :-STEP].ravel(), part[:, STEP:].ravel())[0, 1]
        down = np.corrcoef(part[:-STEP].ravel(), part[STEP:].ravel())[0, 1]
        return float(along + down) / 2

    drawn = likeness_to_itself()
    monkeypatch.setattr(texture, "LOTS", 1)
    monkeypatch.setattr(texture, "OFFERED", 1)
    assert likeness_to_itself() > 0.9
    assert abs(drawn) < 0.4


def test_what_a_model_fills_sharply_is_left_to_it() -> None:
    mask = np.zeros((64, 96), np.uint8)
    mask[10:15] = 255
    assert not lacks_texture(mask).any()
    truth = sand(64, 96)
    picture = truth.copy()
    add_texture(picture, mask, 1.0)
    np.testing.assert_array_equal(picture, truth)
    mask[20:60, 20:70] = 255
    lacking = lacks_texture(mask)
    assert lacking[40, 45] == 1.0
    assert not lacking[cv2.distanceTransform(mask, cv2.DIST_L2, 3) <= SHARP].any()


def test_nothing_is_taken_where_nothing_is_alike() -> None:
    _, mask, filled = holed()
    filled[mask > 0] = (0, 0, 255)
    before = filled.copy()
    add_texture(filled, mask, 1.0)
    assert np.abs(filled.astype(int) - before).max() <= 2


@pytest.mark.parametrize("size", [(12, 40), (40, 12), (17, 19), (24, 24)])
def test_small_pictures(size: tuple[int, int]) -> None:
    picture, mask = sand(*size), np.zeros(size, np.uint8)
    mask[2:, 2:] = 255
    before = picture.copy()
    add_texture(picture, mask, 1.0)
    np.testing.assert_array_equal(picture[mask == 0], before[mask == 0])


def test_a_hole_wider_than_a_tile_has_no_seams() -> None:
    side = 8 * TILE + 2 * MARGIN
    truth, mask = sand(160, side), np.zeros((160, side), np.uint8)
    mask[40:120, 40:-40] = 255
    picture = np.where(mask[..., None] > 0, cv2.GaussianBlur(truth, (0, 0), 9.0), truth)
    add_texture(picture, mask, 1.0)
    grey = picture.astype(float).mean(axis=2)
    steps = np.abs(np.diff(grey[60:100], axis=1)).mean(axis=0)[60 : side - 60]
    assert steps.max() < 2.0 * steps.mean()


@pytest.mark.parametrize("form", ["bgr", "bgra", "grey", "16 bits", "float"])
def test_a_restorer_adds_it_to_every_form(form: str) -> None:
    truth, mask, _ = holed()
    alpha = np.full((*mask.shape, 1), 200, np.uint8)
    picture = {
        "bgr": truth,
        "bgra": np.concatenate([truth, alpha], axis=2),
        "grey": truth[..., 0].copy(),
        "16 bits": truth.astype(np.uint16) * 257,
        "float": truth.astype(np.float32) / 255,
    }[form]
    restorer = Restorer.load("photo", threads=1, precision="fp32")
    plain, none, textured = (
        restorer.restore(picture, mask, options=options)
        for options in (None, Options(texture=0.0), Options(texture=1.0))
    )
    np.testing.assert_array_equal(plain, none)
    assert (textured.shape, textured.dtype) == (picture.shape, picture.dtype)
    np.testing.assert_array_equal(textured[mask == 0], picture[mask == 0])
    if form == "bgra":
        np.testing.assert_array_equal(textured[..., 3], picture[..., 3])
    inside = cv2.erode(mask, np.ones((33, 33), np.uint8)) > 0
    assert contrast(textured, inside) > 2.0 * contrast(plain, inside)


def test_in_place_is_as_elsewhere() -> None:
    truth, mask, _ = holed()
    restorer = Restorer.load("photo", threads=1, options=replace(Options(), texture=0.7))
    expected = restorer.restore(truth, mask)
    restorer.plan(truth, mask).run(out=truth)
    np.testing.assert_array_equal(truth, expected)
