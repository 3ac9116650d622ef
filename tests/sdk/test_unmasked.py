"""Models that need no mask."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import ImageError, MaskError, OptionError, Restorer
from inpaint_sdk.cli.main import main

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def clouds() -> Restorer:
    return Restorer.load("cloud-thin", threads=2)


@pytest.fixture
def hazy(image: Pixels) -> Pixels:
    """The picture under an even thin cloud."""
    return (image * 0.5 + 62.0).round().astype(np.uint8)


@pytest.fixture(scope="module")
def coast() -> Pixels:
    """A part of a satellite picture that has few clouds of its own."""
    path = Path(__file__).parents[2] / "examples" / "images" / "landsat.png"
    return cv2.imread(str(path))[200:, :]


def test_no_mask_restores_the_whole_picture(clouds: Restorer, coast: Pixels) -> None:
    hazy = (coast * 0.5 + 63.0).round().astype(np.uint8)
    restored = clouds.restore(hazy)
    assert (restored.shape, restored.dtype) == (hazy.shape, np.uint8)
    assert cv2.PSNR(restored, coast) > cv2.PSNR(hazy, coast) + 3.0


def test_a_mask_restricts_the_change(clouds: Restorer, hazy: Pixels, mask: Pixels) -> None:
    restored = clouds.restore(hazy, mask)
    np.testing.assert_array_equal(restored[mask == 0], hazy[mask == 0])
    np.testing.assert_array_equal(restored[mask > 0], clouds.restore(hazy)[mask > 0])
    np.testing.assert_array_equal(clouds.restore(hazy, np.zeros_like(mask)), hazy)
    everywhere = np.ones_like(mask)
    np.testing.assert_array_equal(clouds.restore(hazy, everywhere), clouds.restore(hazy))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8), (9, 17), (63, 129)])
def test_any_size(clouds: Restorer, rng: np.random.Generator, size: tuple[int, int]) -> None:
    picture = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    assert clouds.restore(picture).shape == picture.shape
    seen = clouds.plan(picture).attention()
    assert seen is not None
    assert seen.shape == size


def test_what_comes_in_goes_out(clouds: Restorer, hazy: Pixels) -> None:
    grey = cv2.cvtColor(hazy, cv2.COLOR_BGR2GRAY)
    assert clouds.restore(grey).shape == grey.shape
    picture = Image.fromarray(hazy[..., ::-1].copy())
    picture.putalpha(77)
    restored = clouds.restore(picture)
    assert restored.mode == "RGBA"
    assert set(np.asarray(restored)[..., 3].ravel()) == {77}
    expected = clouds.restore(hazy)[..., ::-1]
    np.testing.assert_array_equal(np.asarray(restored)[..., :3], expected)


def test_attention_says_where_the_damage_is() -> None:
    path = Path(__file__).parents[2] / "examples" / "images" / "landsat.png"
    picture = cv2.imread(str(path))
    seen = Restorer.load("cloud-thick", threads=2).plan(picture).attention()
    assert seen is not None
    assert (seen.shape, seen.dtype) == (picture.shape[:2], np.float32)
    assert seen.min() >= 0.0
    assert seen.max() <= 1.0
    # A round cloud at the top, and the sea beside it.
    assert seen[:20, 120:180].mean() > seen[40:80, 250:330].mean() + 0.1


def test_models_that_draw_no_attention(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    assert photo.plan(image, mask).attention() is None
    assert Restorer.load("clean", threads=2).plan(image).attention() is None


def test_attention_is_of_the_whole_picture(clouds: Restorer, hazy: Pixels, mask: Pixels) -> None:
    """As the plan says: nothing is looked at where nothing is changed."""
    np.testing.assert_array_equal(
        clouds.plan(hazy, mask).attention(), clouds.plan(hazy).attention()
    )
    assert clouds.plan(hazy, mask * 0).attention() is None


def test_there_is_no_static_damage_to_find(clouds: Restorer, hazy: Pixels, mask: Pixels) -> None:
    with pytest.raises(OptionError, match="sees damage by itself; static damage"):
        clouds.frames(damage="static")


def test_steady_is_for_what_is_filled(clouds: Restorer, hazy: Pixels, mask: Pixels) -> None:
    """A model that sees damage by itself restores each frame, steady or not."""
    for given in (None, mask):
        restore = clouds.frames(given, steady=True)
        for frame in (hazy, hazy[::-1].copy()):
            np.testing.assert_array_equal(restore(frame), clouds.restore(frame, given))


def test_bad_input_is_refused(clouds: Restorer, image: Pixels) -> None:
    with pytest.raises(ImageError):
        clouds.restore(image.astype(np.float64))  # type: ignore[call-overload]
    with pytest.raises(ImageError):
        clouds.plan(image[:0])
    with pytest.raises(MaskError, match="one size"):
        clouds.restore(image, np.zeros((3, 3), np.uint8))


def test_the_command_needs_no_mask(tmp_path: Path, hazy: Pixels, clouds: Restorer) -> None:
    source, output = tmp_path / "hazy.png", tmp_path / "out.png"
    cv2.imwrite(str(source), hazy)
    command = ["restore", str(source), "--model", "cloud-thin", "-o", str(output)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(cv2.imread(str(output)), clouds.restore(hazy))


def test_the_command_restores_a_folder_without_masks(tmp_path: Path, hazy: Pixels) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / "in" / name), hazy)
    command = ["restore", str(tmp_path / "in"), "--model", "cloud-thin"]
    result = CliRunner().invoke(main, [*command, "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]
