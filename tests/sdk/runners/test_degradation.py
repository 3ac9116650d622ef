from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Degradation, ModelError, Options, Restorer
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image
from inpaint_sdk.runners.enhance import EnhanceRunner
from support.models import FakePool, FakeSession, Tensors, model_info


class Reader(FakeSession):
    """Says how bright the picture is, in each colour."""

    inputs = ("image",)
    outputs = ("output", "degradation")

    def __init__(self) -> None:
        self.runs = 0

    def run(self, inputs: Tensors) -> Tensors:
        self.runs += 1
        image = inputs["image"]
        return {"output": image, "degradation": image.mean(axis=(2, 3))}


def reader(session: Reader) -> LoadedModel:
    return LoadedModel(model_info(name="reader", outputs=session.outputs), session)


def restorer(session: Reader) -> Restorer:
    return Restorer("reader", FakePool(reader(session)), "rgb")


@pytest.mark.parametrize("memory_mb", [16, 640])
def test_an_estimate_is_of_the_whole_picture(memory_mb: int) -> None:
    ramp = np.linspace(0, 255, 800).astype(np.uint8)
    picture = np.dstack([np.tile(ramp, (800, 1)), np.tile(ramp[:, None], (1, 800))])
    picture = np.dstack([picture, np.full((800, 800), 51, np.uint8)])
    session = Reader()
    options = Options(memory_mb=memory_mb)
    found = restorer(session).estimate_degradation(picture, options=options)
    assert (session.runs > 1) == (memory_mb == 16)
    assert found.noise == pytest.approx(0.5, abs=0.01)
    assert found.blur == pytest.approx(0.5, abs=0.01)
    assert found.compression == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("memory_mb", [16, 640])
def test_one_look_enhances_and_estimates(rng: np.random.Generator, memory_mb: int) -> None:
    picture = Image(rng.integers(0, 256, (800, 700, 3)).astype(np.uint8), "rgb")
    session = Reader()
    runner = EnhanceRunner(reader(session), Options(memory_mb=memory_mb))
    enhanced, found = runner.enhance(picture, None)
    runs = session.runs
    assert found == runner.estimate(picture)
    assert session.runs == 2 * runs
    np.testing.assert_array_equal(enhanced, picture.pixels)


def test_a_result_tells_it_without_another_run(image: NDArray[np.uint8]) -> None:
    session = Reader()
    result = restorer(session).run(image)
    assert session.runs == 1
    assert result.degradation == restorer(session).estimate_degradation(image)


def test_units() -> None:
    degradation = Degradation(noise=0.5, blur=1.0, compression=0.8)
    assert degradation.noise_sigma == 30.0
    assert degradation.blur_sigma == 3.0
    assert degradation.codec_quality == pytest.approx(20.0)


def test_of_a_model_that_gives_none_another_is_asked(
    photo: Restorer, image: NDArray[np.uint8], rng: np.random.Generator
) -> None:
    """Whichever is loaded, ``clean`` says it."""
    noisy = (image + rng.normal(0.0, 30.0, image.shape)).clip(0, 255).astype(np.uint8)
    expected = Restorer.load("clean", threads=2).estimate_degradation(noisy)
    assert expected.noise > 0.3
    for other in (photo, Restorer.load("auto", threads=2)):
        assert other.estimate_degradation(noisy) == expected


def test_one_that_is_not_finite() -> None:
    class Broken(Reader):
        def run(self, inputs: Tensors) -> Tensors:
            return {"output": inputs["image"], "degradation": np.full((1, 3), np.nan, np.float32)}

    with pytest.raises(ModelError, match="not finite"):
        restorer(Broken()).estimate_degradation(np.zeros((8, 8, 3), np.uint8))
