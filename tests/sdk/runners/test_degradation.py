from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Degradation, ModelError, Restorer
from inpaint_sdk.runners.enhance import EnhanceRunner


class Reader:
    """Says how bright the picture is, in each colour."""

    backend = "test"
    inputs = ("image",)
    outputs = ("output", "degradation")

    def __init__(self) -> None:
        self.runs = 0

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        self.runs += 1
        image = inputs["image"]
        return {"output": image, "degradation": image.mean(axis=(2, 3))}


def restorer(photo: Restorer, session: Reader) -> Restorer:
    info = replace(photo.model, task="enhance", outputs=("output", "degradation"))
    return Restorer(info, session, "rgb")


@pytest.mark.parametrize("memory_mb", [16, 640])
def test_a_diagnosis_is_of_the_whole_picture(photo: Restorer, memory_mb: int) -> None:
    ramp = np.linspace(0, 255, 800).astype(np.uint8)
    picture = np.dstack([np.tile(ramp, (800, 1)), np.tile(ramp[:, None], (1, 800))])
    picture = np.dstack([picture, np.full((800, 800), 51, np.uint8)])
    session = Reader()
    found = restorer(photo, session).diagnose(picture, memory_mb=memory_mb)
    assert (session.runs > 1) == (memory_mb == 16)
    assert found.noise == pytest.approx(0.5, abs=0.01)
    assert found.blur == pytest.approx(0.5, abs=0.01)
    assert found.compression == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("memory_mb", [16, 640])
def test_one_look_restores_and_diagnoses(
    photo: Restorer, rng: np.random.Generator, memory_mb: int
) -> None:
    picture = rng.integers(0, 256, (800, 700, 3)).astype(np.uint8)
    model, session = restorer(photo, Reader()).model, Reader()
    once = EnhanceRunner(session, model, "auto", memory_mb)
    restored, found = once.restore_and_diagnose(picture, "rgb")
    runs = session.runs
    assert found == once.diagnose(picture, "rgb")
    assert session.runs == 2 * runs
    np.testing.assert_array_equal(restored, once.restore(picture, None, "rgb"))


def test_units() -> None:
    diagnosis = Degradation(noise=0.5, blur=1.0, compression=0.8)
    assert diagnosis.noise_sigma == 30.0
    assert diagnosis.blur_sigma == 3.0
    assert diagnosis.codec_quality == pytest.approx(20.0)


def test_a_diagnosis_is_asked_of_a_model_that_has_none(photo: Restorer) -> None:
    with pytest.raises(ModelError, match="'photo' gives no diagnosis"):
        photo.diagnose(np.zeros((8, 8, 3), np.uint8))


def test_one_that_is_not_finite(photo: Restorer) -> None:
    class Broken(Reader):
        def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
            return {"output": inputs["image"], "degradation": np.full((1, 3), np.nan, np.float32)}

    with pytest.raises(ModelError, match="not finite"):
        restorer(photo, Broken()).diagnose(np.zeros((8, 8, 3), np.uint8))
