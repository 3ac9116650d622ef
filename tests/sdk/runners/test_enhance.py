"""Tiles and strategies of mask-free models, with a network that only looks near."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import ImageError, Memory, Options
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.runners.enhance import EnhanceRunner
from support.models import FakeSession, Tensors, model_info

Pixels = NDArray[Any]


class NearSighted(FakeSession):
    """Brightens by what lies within 20 pixels; its attention is that blur."""

    inputs = ("image",)
    outputs = ("output", "attention")

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def run(self, inputs: Tensors) -> Tensors:
        image = inputs["image"][0]
        self.sizes.append(image.shape[1:])
        blurred = np.stack([cv2.blur(p, (41, 41), borderType=cv2.BORDER_REFLECT) for p in image])
        output = np.clip(image * 0.5 + blurred * 0.4 + 0.05, 0, 1)
        return {"output": output[None], "attention": blurred.mean(axis=0)[None, None]}


INFO = model_info(family="sarnn", memory=Memory(180), outputs=("output", "attention"))


@pytest.fixture
def picture(rng: np.random.Generator) -> Pixels:
    coarse = rng.integers(0, 256, (9, 11, 3)).astype(np.uint8)
    large = cv2.resize(coarse, (1000, 700), interpolation=cv2.INTER_CUBIC)
    return np.clip(large + rng.normal(0, 5, large.shape), 0, 255).astype(np.uint8)


def runner(
    session: NearSighted, memory_mb: int = 4000, strategy: Any = "auto", info: ModelInfo = INFO
) -> EnhanceRunner:
    return EnhanceRunner(LoadedModel(info, session), Options(strategy, memory_mb))


def enhance(runner: EnhanceRunner, picture: Pixels, mask: Pixels | None = None) -> Pixels:
    return runner.enhance(Image(picture), mask)[0]


def test_tiles_are_as_one_run(picture: Pixels) -> None:
    whole, tiles = NearSighted(), NearSighted()
    expected = enhance(runner(whole), picture)
    found = enhance(runner(tiles, memory_mb=32), picture)
    assert len(whole.sizes) == 1
    assert len(tiles.sizes) > 3
    assert max(h * w for h, w in tiles.sizes) <= 32_000_000 / 180
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_attention_in_tiles_is_as_in_one_run(picture: Pixels) -> None:
    expected = runner(NearSighted()).attention(Image(picture))
    found = runner(NearSighted(), memory_mb=32).attention(Image(picture))
    assert found.shape == picture.shape[:2]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_window_bounds_what_a_model_is_shown(picture: Pixels) -> None:
    """However much memory there is, so that the result does not depend on it; but for ``full``."""
    found = []
    for memory_mb in (64, 4000):
        session = NearSighted()
        model = replace(INFO, window=256)
        found.append(enhance(runner(session, memory_mb, info=model), picture))
        assert len(session.sizes) > 1
        assert max(max(size) for size in session.sizes) <= 256
    np.testing.assert_array_equal(*found)
    session = NearSighted()
    enhance(runner(session, 4000, "full", replace(INFO, window=256)), picture)
    assert session.sizes == [(704, 1000)]


@pytest.mark.parametrize("strategy", ["auto", "crop", "resize", "full"])
def test_a_region_alone_changes(picture: Pixels, strategy: Any) -> None:
    region = np.zeros(picture.shape[:2], np.uint8)
    region[100:300, 500:900] = 255
    found = enhance(runner(NearSighted(), strategy=strategy), picture, region)
    np.testing.assert_array_equal(found[region == 0], picture[region == 0])
    assert (found[region > 0] != picture[region > 0]).any()


def test_resizing_keeps_detail(picture: Pixels) -> None:
    """What is added is enlarged, not the reduced picture."""
    session = NearSighted()
    found = enhance(runner(session, strategy="resize"), picture)
    assert session.sizes == [(184, 256)]  # 4 times the trained size, in multiples of 8
    sharpness = [cv2.Laplacian(p, cv2.CV_64F).std() for p in (picture, found)]
    assert sharpness[1] > 0.4 * sharpness[0]


def test_full_is_refused_where_memory_does_not_allow_it(picture: Pixels) -> None:
    with pytest.raises(ImageError, match="1000x700 pixels at once take more than memory_mb=32"):
        enhance(runner(NearSighted(), 32, "full"), picture)


@pytest.mark.parametrize("channels", [0, 1, 2, 4])
def test_forms_with_alpha_and_grey(picture: Pixels, channels: int) -> None:
    deep = (picture[..., 0].astype(np.float64) / 255).astype(np.float32)
    if channels:
        deep = np.repeat(deep[..., None], channels, axis=2)
    found = enhance(runner(NearSighted(), 32), deep)
    assert (found.shape, found.dtype) == (deep.shape, deep.dtype)
    if channels in (2, 4):
        np.testing.assert_array_equal(found[..., -1], deep[..., -1])


@pytest.mark.parametrize("memory_mb", [32, 4000])
@pytest.mark.parametrize("strategy", ["auto", "resize"])
@pytest.mark.parametrize("marked", [False, True])
def test_in_place(picture: Pixels, memory_mb: int, strategy: Any, marked: bool) -> None:
    """Also where tiles overlap, each of which must be shown what came in."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[100:300, 500:900] = 255
    model, given = runner(NearSighted(), memory_mb, strategy), mask if marked else None
    expected = enhance(model, picture, given)
    pixels = picture.copy()
    found, _ = model.enhance(Image(pixels), given, pixels)
    assert found is pixels
    np.testing.assert_array_equal(found, expected)
