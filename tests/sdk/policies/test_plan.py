"""Plans: what they say, that running them looks at nothing twice, and what comes of it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import DetectionOptions, OptionError, Options, Restorer
from support.detector import scratched
from support.models import CountingPool

Pixels = NDArray[np.uint8]
ASKED = Options(detection=DetectionOptions(dilation=0), enhance=True)


@pytest.fixture
def pool() -> CountingPool:
    return CountingPool()


@pytest.fixture(params=["photo", "auto"])
def restorer(request: pytest.FixtureRequest, pool: CountingPool, detector_file: Path) -> Restorer:
    return Restorer(request.param, pool, detector=detector_file, options=ASKED)


@pytest.fixture
def noisy(image: Pixels, mask: Pixels, rng: np.random.Generator) -> Pixels:
    """Noisy and scratched, so that ``auto`` does all that it can."""
    noise = (image + rng.normal(0.0, 30.0, image.shape)).clip(0, 255).astype(np.uint8)
    return scratched(noise, mask)


def test_a_picture_is_looked_at_once(restorer: Restorer, pool: CountingPool, noisy: Pixels) -> None:
    looking = {"magenta": 1, "clean": 1} if "auto" in repr(restorer) else {"magenta": 1}
    plan = restorer.plan(noisy)
    assert pool.runs == looking, "the plan filled something already"
    plan.run()
    filling = pool.runs["photo"]
    assert filling > 0
    plan.run()
    assert pool.runs == {**looking, "photo": 2 * filling}
    pool.runs.clear()
    restorer(noisy)
    assert pool.runs == {**looking, "photo": filling}


def test_under_a_mask_nothing_is_looked_at(
    restorer: Restorer, pool: CountingPool, noisy: Pixels, mask: Pixels
) -> None:
    restorer.plan(noisy, mask).run()
    assert set(pool.runs) == {"photo"}


def test_it_can_be_run_again(restorer: Restorer, noisy: Pixels, mask: Pixels) -> None:
    before = noisy.copy()
    for given in (None, mask):
        plan = restorer.plan(noisy, given)
        first, second = plan.run().image, plan.run().image
        np.testing.assert_array_equal(first, second)
        first[...] = 0  # is the caller's now
        np.testing.assert_array_equal(plan.run().image, second)
        np.testing.assert_array_equal(restorer(noisy, given), second)
    np.testing.assert_array_equal(noisy, before)


@pytest.mark.parametrize("model", ["photo", "auto", "clean", "cloud-thin"])
@pytest.mark.parametrize("marked", ["nothing", "found", "mask"])
def test_a_result_is_never_the_callers_array(
    model: str, marked: str, detector_file: Path, image: Pixels, mask: Pixels
) -> None:
    restorer = Restorer.load(model, threads=2, detector=detector_file)
    given = {"nothing": mask * 0, "found": None, "mask": mask}[marked]
    plan = restorer.plan(image, given)
    first, second = plan.run().image, plan.run().image
    assert not np.shares_memory(first, image)
    assert not np.shares_memory(first, second)


def test_into_an_array(restorer: Restorer, noisy: Pixels) -> None:
    plan = restorer.plan(noisy)
    out = np.zeros_like(noisy)
    assert plan.run(out=out).image is out
    np.testing.assert_array_equal(out, plan.run().image)
    with pytest.raises(OptionError, match="must be like the picture"):
        plan.run(out=out[:-1])


def test_a_result_tells_all_of_it(restorer: Restorer, noisy: Pixels, mask: Pixels) -> None:
    result = restorer.run(noisy)
    automatic = "auto" in repr(restorer)
    assert result.detection is not None
    np.testing.assert_array_equal(result.mask, result.detection.widened_mask)
    steps = [step.action for step in result.plan.steps]
    assert steps == ["enhance", "detect", "inpaint"][0 if automatic else 1 :]
    assert set(result.seconds) == {*steps, "plan"}
    assert all(seconds >= 0.0 for seconds in result.seconds.values())
    assert result.plan.changes and result.plan.changes_everywhere == automatic
    if automatic:
        assert result.degradation == restorer.estimate_degradation(noisy)
    else:
        assert result.degradation is None
    given = restorer.run(noisy, mask)
    assert (given.detection, given.degradation) == (None, None)
    np.testing.assert_array_equal(given.mask, mask)
    assert set(given.seconds) == {"inpaint"}
    assert not given.plan.changes_everywhere


def test_a_result_is_data(restorer: Restorer, noisy: Pixels, mask: Pixels) -> None:
    """It can be sent to another process, and keeps neither models nor the picture."""
    for given in (None, mask):
        result = restorer.run(noisy, given)
        copy = pickle.loads(pickle.dumps(result))
        np.testing.assert_array_equal(copy.image, result.image)
        np.testing.assert_array_equal(copy.mask, result.mask)
        assert str(copy.plan) == str(result.plan)
        assert (copy.plan.changes, copy.plan.changes_everywhere) == (
            result.plan.changes,
            result.plan.changes_everywhere,
        )
        with pytest.raises(OptionError, match="make another with"):
            result.plan.run()


def test_masks_that_are_handed_out_are_read_only(
    restorer: Restorer, noisy: Pixels, mask: Pixels
) -> None:
    """They are those of later pictures too, in whichever thread."""
    result = restorer.run(noisy)
    assert result.mask is not None and result.detection is not None
    frames = restorer.frames(mask)
    for handed in (
        result.mask,
        result.detection.mask,
        result.detection.widened_mask,
        result.detection.probability(),
        frames.run(noisy).mask,
        frames.mask,
    ):
        assert handed is not None
        with pytest.raises(ValueError, match="read-only"):
            handed[...] = 0


def test_an_array_that_overlaps_the_picture_is_refused(
    restorer: Restorer, image: Pixels, mask: Pixels
) -> None:
    buffer = np.concatenate([image, image[:1]])
    with pytest.raises(OptionError, match="overlaps"):
        restorer.plan(buffer[:-1], mask).run(out=buffer[1:])


def test_what_is_done_without_a_mask_has_none(noisy: Pixels, mask: Pixels) -> None:
    clean = Restorer.load("clean", threads=2)
    result = clean.run(noisy)
    assert (result.mask, result.detection, result.plan.masked_fraction) == (None, None, None)
    assert result.plan.changes_everywhere
    assert str(result.plan) == "enhance (clean)"
    given = clean.run(noisy, mask)
    np.testing.assert_array_equal(given.mask, mask)
    assert not given.plan.changes_everywhere


def test_pictures_of_every_type(restorer: Restorer, noisy: Pixels, tmp_path: Path) -> None:
    picture = Image.fromarray(np.ascontiguousarray(noisy[..., ::-1]))
    picture.save(tmp_path / "picture.png")
    expected = restorer(noisy)[..., ::-1]
    forms: tuple[Any, ...] = (picture, tmp_path / "picture.png", str(tmp_path / "picture.png"))
    for form in forms:
        result = restorer.plan(form).run()
        assert isinstance(result.image, Image.Image)
        np.testing.assert_array_equal(np.asarray(result.image), expected)
