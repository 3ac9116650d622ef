"""Pictures after each stage, with a network whose stages are told apart by their brightness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import MaskError, ModelError, Restorer

Pixels = NDArray[Any]
LEVELS = (0.2, 0.4, 0.6)


class Stepwise:
    """Fills holes with the level of each stage."""

    backend = "test"
    inputs = ("image", "mask")
    outputs = ("output", "stages")

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        image, mask = inputs["image"], inputs["mask"]
        stages = [image * (1 - mask) + np.float32(level) * mask for level in LEVELS]
        return {"output": stages[-1], "stages": np.concatenate(stages, axis=1)}


@pytest.fixture
def staged(photo: Restorer) -> Restorer:
    info = replace(photo.model, name="stepwise", outputs=("output", "stages"))
    return Restorer(info, Stepwise(), "bgr")


@pytest.mark.parametrize("side", [90, 700])
def test_every_stage_in_order(staged: Restorer, side: int) -> None:
    """At 700 the hole is filled coarse to fine."""
    image = np.full((side, side, 3), 200, np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 6 : -side // 6, side // 6 : -side // 6] = 255
    pictures = list(staged.stages(image, mask))
    assert len(pictures) == len(LEVELS)
    for picture, level in zip(pictures, LEVELS, strict=True):
        np.testing.assert_array_equal(picture[mask == 0], image[mask == 0])
        # Coarse to fine blends nothing but this level.
        assert np.abs(picture[mask > 0].astype(int) - round(255 * level)).max() <= 1
    np.testing.assert_array_equal(pictures[-1], staged.restore(image, mask))


def test_an_empty_mask_gives_copies(staged: Restorer, image: Pixels) -> None:
    for picture in staged.stages(image, np.zeros(image.shape[:2], np.uint8)):
        assert picture is not image
        np.testing.assert_array_equal(picture, image)


def test_refusals_come_before_the_first_picture(
    photo: Restorer, staged: Restorer, image: Pixels, mask: Pixels
) -> None:
    with pytest.raises(ModelError, match="'photo' does not work in stages"):
        photo.stages(image, mask)
    with pytest.raises(MaskError):
        staged.stages(image, mask[:-1])
    with pytest.raises(MaskError, match="covers the whole image"):
        list(staged.stages(image, np.ones_like(mask)))
