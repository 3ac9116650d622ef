"""Pictures after each stage, with a network whose stages are told apart by their brightness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import MaskError, Restorer
from inpaint_sdk.backends.pool import LoadedModel
from support.models import FakePool, FakeSession, Tensors

Pixels = NDArray[Any]
LEVELS = (0.2, 0.4, 0.6)


class Stepwise(FakeSession):
    """Fills what the mask marks with the level of each stage."""

    inputs = ("image", "mask")
    outputs = ("output", "stages")

    def run(self, inputs: Tensors) -> Tensors:
        image, mask = inputs["image"], inputs["mask"]
        stages = [image * (1 - mask) + np.float32(level) * mask for level in LEVELS]
        return {"output": stages[-1], "stages": np.concatenate(stages, axis=1)}


@pytest.fixture
def staged(photo: Restorer) -> Restorer:
    info = replace(photo.model, name="stepwise", outputs=("output", "stages"))
    return Restorer("stepwise", FakePool(LoadedModel(info, Stepwise())))


@pytest.mark.parametrize("side", [90, 700])
def test_every_stage_in_order(staged: Restorer, side: int) -> None:
    """At 700 the mask is filled coarse to fine."""
    image = np.full((side, side, 3), 200, np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 6 : -side // 6, side // 6 : -side // 6] = 255
    pictures = list(staged.plan(image, mask).stages())
    assert len(pictures) == len(LEVELS)
    for picture, level in zip(pictures, LEVELS, strict=True):
        np.testing.assert_array_equal(picture[mask == 0], image[mask == 0])
        # Coarse to fine blends nothing but this level.
        assert np.abs(picture[mask > 0].astype(int) - round(255 * level)).max() <= 1
    np.testing.assert_array_equal(pictures[-1], staged.restore(image, mask))


def test_an_empty_mask_gives_a_copy(staged: Restorer, image: Pixels) -> None:
    (picture,) = staged.plan(image, np.zeros(image.shape[:2], np.uint8)).stages()
    assert not np.shares_memory(picture, image)
    np.testing.assert_array_equal(picture, image)


@pytest.mark.parametrize("model", ["photo", "cloud-thin"])
def test_a_model_without_stages_gives_its_result(model: str, image: Pixels, mask: Pixels) -> None:
    plan = Restorer.load(model, threads=2).plan(image, mask)
    (picture,) = plan.stages()
    np.testing.assert_array_equal(picture, plan.run().image)


def test_refusals_come_before_the_first_picture(
    staged: Restorer, image: Pixels, mask: Pixels
) -> None:
    with pytest.raises(MaskError):
        staged.plan(image, mask[:-1])
    with pytest.raises(MaskError, match="covers the whole image"):
        staged.plan(image, np.ones_like(mask))
