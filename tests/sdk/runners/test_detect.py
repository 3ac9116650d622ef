from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import DetectionOptions, ImageError, MaskError, ModelError, Restorer
from inpaint_sdk.models.zoo import open_model
from inpaint_sdk.runners import detection as module
from inpaint_sdk.runners.detector import Detection, Detector, LazyDetector
from support.detector import scratched

Pixels = NDArray[Any]
EXACT = DetectionOptions(dilation=0)


@pytest.fixture
def damaged(image: Pixels, mask: Pixels) -> Pixels:
    return scratched(image, mask)


def test_what_is_found(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    found = finder.detect(damaged)
    np.testing.assert_array_equal(found.mask, mask)
    assert found.mask.dtype == np.uint8
    assert found.probability.dtype == np.float32
    assert found.probability.shape == mask.shape
    assert found.probability[mask > 0].min() > 0.99
    assert found.share == pytest.approx(np.count_nonzero(mask) / mask.size)


@pytest.mark.parametrize("min_mean_probability", [0.5, 0.85])
def test_a_threshold_and_a_certainty_decide(
    finder: Restorer, image: Pixels, min_mean_probability: float
) -> None:
    """A pixel that is not quite magenta, alone and beside one that is."""
    image[5, 7] = image[5, 17] = (255, 11, 255)
    image[6, 18] = (255, 0, 255)
    probability = finder.detect(image).probability[5, 7]
    assert 0.6 < probability < 0.9
    for threshold in (0.6, 0.9):
        options = DetectionOptions(threshold, min_mean_probability=min_mean_probability)
        mask = finder.detect(image, detection=options).mask
        assert mask[6, 18] == 255
        assert (mask[5, 17] == 255) == (threshold == 0.6)
        assert (mask[5, 7] == 255) == (threshold == 0.6 and min_mean_probability == 0.5)
        assert np.count_nonzero(mask) == 1 + (threshold == 0.6) + bool(mask[5, 7])


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 16), (17, 63)])
def test_any_size(finder: Restorer, size: tuple[int, int]) -> None:
    found = finder.detect(np.full((*size, 3), (255, 0, 255), np.uint8))
    assert found.mask.shape == size
    assert found.mask.all()


def test_forms_of_pictures(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    deep = damaged.astype(np.uint16) * 257
    alpha = np.dstack([damaged, np.full(mask.shape, 9, np.uint8)])
    floats = damaged.astype(np.float32) / 255
    for form in (deep, alpha, floats, Image.fromarray(damaged)):
        np.testing.assert_array_equal(finder.detect(form).mask, mask)
    assert not finder.detect(damaged[..., 0]).mask.any(), "grey is never magenta"


def test_tiles_are_as_one_run(
    finder: Restorer, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 4000)
    picture = rng.integers(0, 256, (700, 900, 3)).astype(np.uint8)
    whole = finder.detect(picture, memory_mb=4000)
    tiled = finder.detect(picture, memory_mb=16)
    np.testing.assert_allclose(tiled.probability, whole.probability, atol=1e-5)


def test_a_large_picture_is_looked_at_in_smaller_sizes_too(detector_file: Path) -> None:
    """One pixel in four is magenta: alone each is found, and halved they are not magenta."""
    sizes = []
    model = open_model(detector_file)

    class Counting:
        backend, inputs, outputs = "test", ("image",), ("probability",)

        def run(self, inputs: Any) -> Any:
            image = inputs["image"]
            sizes.append(image.shape[2:])
            return {"probability": (image[:, :1] > 0.9).astype(np.float32)}

    detector = Detector(model.info, Counting())
    picture = np.zeros((2100, 600, 3), np.uint8)
    picture[400, 300] = 255
    picture[1600:1608, 96:104] = 230  # below, until it is seen smaller
    found = detector.probability(picture, "rgb", 4000)
    assert sizes == [(2112, 608), (1056, 304), (528, 160)]
    assert found.shape == (2100, 600)
    assert found[400, 300] == 1.0
    assert found[400, 310] == 0.0


def test_a_clean_picture_comes_back_as_it_is(finder: Restorer, image: Pixels) -> None:
    result = finder.restore(image)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)
    plan = finder.plan(image)
    assert (plan.detect, plan.changes, plan.damaged) == (True, False, 0.0)
    assert str(plan) == "no damage was found, the picture is unchanged"


def test_what_is_found_is_restored(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    exact = finder.restore(damaged, detection=EXACT)
    np.testing.assert_array_equal(exact, finder.restore(damaged, mask))
    for side, options in ((3, DetectionOptions()), (5, DetectionOptions(dilation=2))):
        wider = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        found = finder.restore(damaged, detection=options)
        np.testing.assert_array_equal(found, finder.restore(damaged, wider))


def test_the_plan_says_so(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    plan = finder.plan(damaged, detection=EXACT)
    share = np.count_nonzero(mask) / mask.size
    assert (plan.detect, plan.changes) == (True, True)
    assert plan.damaged == pytest.approx(share)
    assert str(plan) == f"detect (magenta); inpaint (photo): {100 * share:.1f} % of the picture"
    given = finder.plan(damaged, mask)
    assert (given.detect, [step.action for step in given.steps]) == (False, ["inpaint"])
    assert str(finder.plan(damaged, mask * 0)) == "nothing is marked, the picture is unchanged"


def test_the_other_ways_to_restore_find_it_too(
    finder: Restorer, damaged: Pixels, tmp_path: Path
) -> None:
    expected = finder.restore(damaged)
    (one,) = finder.restore_many([damaged])
    np.testing.assert_array_equal(one, expected)
    with finder.stream([damaged, damaged]) as frames:
        for frame in frames:
            np.testing.assert_array_equal(frame.image, expected)
    cv2.imwrite(str(tmp_path / "in.png"), damaged)
    plan = finder.restore_file(tmp_path / "in.png", tmp_path / "out.png")
    assert plan.detect
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out.png")), expected)


def test_a_picture_that_is_all_damage_is_refused(finder: Restorer) -> None:
    everything = np.full((20, 30, 3), (255, 0, 255), np.uint8)
    with pytest.raises(MaskError, match="damage was found everywhere"):
        finder.restore(everything)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": 1.0}, "threshold is 1.0"),
        ({"threshold": 2}, "threshold is 2"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"min_mean_probability": 1.0}, "min_mean_probability is 1.0"),
        ({"dilation": -1}, "dilation is -1"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(MaskError, match=message):
        DetectionOptions(**options)


def test_bad_input_is_refused(finder: Restorer, image: Pixels) -> None:
    with pytest.raises(ImageError):
        finder.detect(image[:0])
    with pytest.raises(ImageError, match="memory_mb is 3"):
        finder.detect(image, memory_mb=3)


def test_a_detector_restores_nothing(detector_file: Path, damaged: Pixels, mask: Pixels) -> None:
    detector = Restorer.load(detector_file)
    np.testing.assert_array_equal(detector.detect(damaged).mask, mask)
    for attempt in (
        lambda: detector.restore(damaged),
        lambda: detector.restore(damaged, mask),
        lambda: detector.with_mask(mask),
        lambda: detector.on_lens(),
    ):
        with pytest.raises(ModelError, match="finds damage and restores nothing"):
            attempt()


def test_a_model_that_finds_nothing_is_no_detector(image: Pixels) -> None:
    with pytest.raises(ModelError, match="the model 'photo' finds no damage"):
        Restorer.load("photo", detector="photo").detect(image)


def test_it_is_loaded_once_and_only_when_needed(
    detector_file: Path, damaged: Pixels, mask: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def counting(source: str | Path) -> Any:
        opened.append(source)
        return open_model(source)

    monkeypatch.setattr(module, "open_model", counting)
    restorer = Restorer.load("photo", threads=1, detector=detector_file)
    restorer.restore(damaged, mask)
    assert opened == []
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: restorer.detect(damaged).mask, range(8)))
    assert opened == [detector_file]
    for each in found:
        np.testing.assert_array_equal(each, mask)


def test_a_detector_that_is_not_there_fails_when_it_is_needed(image: Pixels, mask: Pixels) -> None:
    restorer = Restorer.load("photo", threads=1, detector="none")
    restorer.restore(image, mask)
    with pytest.raises(ModelError, match="no model 'none'"):
        restorer.restore(image)


def test_lazily_loaded_or_given(finder: Restorer, detector_file: Path) -> None:
    lazy = LazyDetector(detector_file, "auto", 1)
    assert lazy.get() is lazy.get()
    assert LazyDetector.loaded(lazy.get()).get() is lazy.get()


def test_a_probability_at_the_threshold_counts() -> None:
    probability = np.array([[0.2, 0.5, 0.8]], np.float32)
    options = DetectionOptions(threshold=0.5, min_mean_probability=0.5)
    np.testing.assert_array_equal(Detection.of(probability, options).mask, [[0, 255, 255]])


def test_the_mean_of_a_place_decides() -> None:
    """Also one that is exactly as large as it must be."""
    probability = np.array([[0.5, 0.75, 1.0, 0.2, 0.625]], np.float32)  # means of 0.75 and 0.625
    both, one, none = [255, 255, 255, 0, 255], [255, 255, 255, 0, 0], [0, 0, 0, 0, 0]
    for min_mean_probability, mask in ((0.625, both), (0.63, one), (0.75, one), (0.76, none)):
        options = DetectionOptions(threshold=0.5, min_mean_probability=min_mean_probability)
        np.testing.assert_array_equal(Detection.of(probability, options).mask, [mask])
    nothing = Detection.of(np.full((2, 3), 0.4, np.float32), DetectionOptions())
    assert not nothing.mask.any()
