from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import (
    DetectionOptions,
    Detector,
    ImageError,
    ModelError,
    OptionError,
    Options,
    Restorer,
)
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image as OpenedImage
from inpaint_sdk.regions.boxes import pixels_within
from inpaint_sdk.runners import detect as module
from inpaint_sdk.runners.detect import Detection, DetectRunner, find_regions
from support.detector import scratched, write_detector
from support.models import CountingPool, FakeSession, Tensors, model_info

Pixels = NDArray[Any]
EXACT = Options(detection=DetectionOptions(dilation=0))


@pytest.fixture
def damaged(image: Pixels, mask: Pixels) -> Pixels:
    return scratched(image, mask)


def test_what_is_found(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    found = finder.detect(damaged)
    np.testing.assert_array_equal(found.mask, mask)
    assert found.mask.dtype == np.uint8
    probability = found.probability()
    assert (probability.dtype, probability.shape) == (np.float32, mask.shape)
    assert probability[mask > 0].min() > 0.99
    assert found.kinds == found.sought == ("damage",)
    assert found.masked_fraction == pytest.approx(np.count_nonzero(mask) / mask.size)


@pytest.mark.parametrize("min_mean_probability", [0.5, 0.85])
def test_a_threshold_and_a_mean_decide(
    finder: Restorer, image: Pixels, min_mean_probability: float
) -> None:
    """A pixel that is not quite magenta, alone and beside one that is."""
    image[5, 7] = image[5, 17] = (255, 11, 255)
    image[6, 18] = (255, 0, 255)
    probability = finder.detect(image).probability()[5, 7]
    assert 0.6 < probability < 0.9
    for threshold in (0.6, 0.9):
        options = DetectionOptions(threshold, min_mean_probability=min_mean_probability)
        mask = finder.detect(image, options=Options(detection=options)).mask
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
    monkeypatch.setattr(module, "MAX_SIDE", 4000)
    picture = rng.integers(0, 256, (700, 900, 3)).astype(np.uint8)
    whole = finder.detect(picture, options=Options(memory_mb=4000))
    tiled = finder.detect(picture, options=Options(memory_mb=16))
    np.testing.assert_allclose(tiled.probability(), whole.probability(), atol=1e-5)


class Bright(FakeSession):
    """Takes what is bright for damage, and notes the sizes of what it is shown."""

    inputs, outputs = ("image",), ("probability",)

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def run(self, inputs: Tensors) -> Tensors:
        image = inputs["image"]
        self.sizes.append(image.shape[2:])
        return {"probability": image[:, :1] ** 2}


def bright_finder() -> tuple[DetectRunner, Bright]:
    session = Bright()
    info = model_info(task="detect", size_multiple=16, outputs=("probability",))
    return DetectRunner(LoadedModel(info, session)), session


def test_a_longer_picture_is_looked_at_in_smaller_sizes_too() -> None:
    detector, session = bright_finder()
    picture = np.zeros((2100, 480, 3), np.uint8)
    picture[400, 300] = 255
    found = detector.detect(OpenedImage(picture, "rgb"), Options(memory_mb=4000)).probability()
    assert sorted(session.sizes) == [(528, 128), (1056, 240), (2112, 480)]
    assert found.shape == (2100, 480)
    assert found[400, 300] == 1.0
    assert 0.0 < found[400, 301] < 0.1, "in half the size the pixel is a quarter as bright"


def large_picture(dtype: Any = np.uint8) -> Pixels:
    """Dark, of 1.5 megapixels: a lone pixel, one on a brighter square, and a bright square."""
    picture = np.full((1000, 1500, 3), 8, np.uint8)
    picture[100, 201] = 120
    picture[500:540, 700:740] = 60
    picture[520, 720] = 255
    picture[800:830, 1200:1230] = 255
    if dtype != np.uint8:
        picture = (picture / 255 * (65535 if dtype == np.uint16 else 1)).astype(dtype)
    return picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_large_picture_is_looked_at_closely_where_it_may_be_damaged(
    dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own size it is shown in parts, and what is found there is as in the whole."""
    picture = OpenedImage(large_picture(dtype), "rgb")
    detector, session = bright_finder()
    found = detector.detect(picture, Options(memory_mb=4000)).probability()
    own, shown = 1000 * 1500, sum(h * w for h, w in session.sizes)
    assert (512, 752) in session.sizes
    assert shown - 512 * 752 < own / 20
    monkeypatch.setattr(module, "WHOLE_PIXELS", own)
    whole = bright_finder()[0].detect(picture, Options(memory_mb=4000)).probability()
    for box in (np.s_[92:108, 193:209], np.s_[500:540, 700:740]):
        np.testing.assert_array_equal(found[box], whole[box])
    assert found[100, 201] == pytest.approx((120 / 255) ** 2, abs=0.01)
    np.testing.assert_array_equal(found > 0.5, whole > 0.5)


def test_a_place_is_shown_with_what_is_around_it() -> None:
    detector, session = bright_finder()
    picture = np.full((1000, 1500, 3), 8, np.uint8)
    picture[512:520, 800:808] = 255
    detector.detect(OpenedImage(picture, "rgb"), Options())
    (shown,) = session.sizes[1:]
    least = 8 + 2 * module.CONTEXT
    assert all(least <= side <= least + 3 * module.CELL for side in shown)


class SideBySide(Bright):
    """Notes what it was shown in ``run_each`` in ``beside`` instead."""

    def __init__(self, cores: int) -> None:
        super().__init__()
        self.cores = cores
        self.beside: list[tuple[int, ...]] = []

    def run_each(self, inputs: Iterable[Tensors]) -> Iterator[Tensors]:
        for each in inputs:
            answer = self.run(each)
            self.beside.append(self.sizes.pop())
            yield answer


@pytest.mark.parametrize("cores", [1, 2, 100])
def test_small_places_are_looked_at_side_by_side(cores: int) -> None:
    """As many of them at a time as fit the memory, and with the same result."""
    picture = large_picture()
    picture[300:310, 100:1400:120] = 255
    picture[500:800, 200:600] = 255
    image, options = OpenedImage(picture, "rgb"), Options(memory_mb=60)
    detector, session = bright_finder()
    together = SideBySide(cores)
    found = DetectRunner(LoadedModel(detector.info, together)).detect(image, options)
    expected = detector.detect(image, options)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert sorted(together.sizes + together.beside) == sorted(session.sizes)
    areas = [height * width for height, width in together.beside]
    most = pixels_within(options.memory_mb, detector.info.memory)
    assert bool(areas) == (cores < 100), "that many places of any size would not fit"
    assert areas == sorted(areas, reverse=True)
    assert max(areas, default=0) <= min(module.SMALL_PIXELS, most // cores)
    assert max(height * width for height, width in together.sizes[1:]) > module.SMALL_PIXELS


def test_what_a_quarter_alone_shows_is_not_looked_at_closely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector, session = bright_finder()
    sizes = {(1200, 1808): 0.0, (608, 912): 0.5}  # half, a quarter

    def run(inputs: Tensors) -> Tensors:
        shape = inputs["image"].shape[2:]
        session.sizes.append(shape)
        return {"probability": np.full((1, 1, *shape), sizes[shape], np.float32)}

    monkeypatch.setattr(session, "run", run)
    picture = np.full((2400, 3600, 3), 8, np.uint8)
    found = detector.detect(OpenedImage(picture, "rgb"), Options(memory_mb=4000)).probability()
    assert sorted(session.sizes) == sorted(sizes)
    assert found.min() == 0.5


def test_a_large_picture_without_damage_is_looked_at_in_smaller_sizes_alone() -> None:
    detector, session = bright_finder()
    picture = np.full((1000, 1500, 3), 8, np.uint8)
    assert not detector.detect(OpenedImage(picture, "rgb"), Options()).mask.any()
    assert session.sizes == [(512, 752)]


def test_what_is_damaged_all_over_fits_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = OpenedImage(np.full((1000, 1500), 90, np.uint8))
    detector, session = bright_finder()
    options = Options(memory_mb=64)
    found = detector.detect(picture, options).probability()
    np.testing.assert_allclose(found, (90 / 255) ** 2, rtol=1e-5)
    most = pixels_within(options.memory_mb, detector.info.memory)
    assert max(height * width for height, width in session.sizes) <= most
    assert sum(height * width for height, width in session.sizes) > 1000 * 1500


def test_a_clean_picture_comes_back_as_it_is(finder: Restorer, image: Pixels) -> None:
    result = finder.restore(image)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)
    plan = finder.plan(image)
    assert plan.detection is not None
    assert (plan.changes, plan.masked_fraction) == (False, 0.0)
    assert str(plan) == "no damage was found, the picture is unchanged"


def test_what_is_found_is_restored(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    exact = finder.restore(damaged, options=EXACT)
    np.testing.assert_array_equal(exact, finder.restore(damaged, mask))
    for side, options in ((3, DetectionOptions()), (5, DetectionOptions(dilation=2))):
        wider = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        found = finder.restore(damaged, options=Options(detection=options))
        np.testing.assert_array_equal(found, finder.restore(damaged, wider))


def test_the_plan_says_so(finder: Restorer, damaged: Pixels, mask: Pixels) -> None:
    plan = finder.plan(damaged, options=EXACT)
    fraction = np.count_nonzero(mask) / mask.size
    assert plan.detection is not None and plan.changes
    assert plan.masked_fraction == pytest.approx(fraction)
    assert str(plan) == f"detect (magenta); inpaint (photo): {100 * fraction:.1f} % of the picture"
    given = finder.plan(damaged, mask)
    assert (given.detection, [step.action for step in given.steps]) == (None, ["inpaint"])
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
    result = finder.restore_file(tmp_path / "in.png", tmp_path / "out.png")
    assert result.detection is not None
    assert result.image == tmp_path / "out.png"
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out.png")), expected)


def test_a_picture_that_is_all_damage_is_left_alone(finder: Restorer) -> None:
    """Nothing is known to restore it from: the plan says so, and what was found."""
    everything = np.full((20, 30, 3), (255, 0, 255), np.uint8)
    result = finder.run(everything)
    np.testing.assert_array_equal(result.image, everything)
    assert not np.shares_memory(result.image, everything)
    assert result.plan.left_alone[0].startswith("damage was found everywhere")
    assert "left alone: damage was found everywhere" in str(result.plan)
    assert not result.plan.changes
    assert result.mask is not None and not result.mask.any()
    assert result.detection is not None and result.detection.mask.all()


def test_bad_input_is_refused(finder: Restorer, image: Pixels) -> None:
    with pytest.raises(ImageError):
        finder.detect(image[:0])


def test_a_detector_restores_nothing(detector_file: Path, damaged: Pixels, mask: Pixels) -> None:
    with pytest.raises(
        ModelError, match=r"'magenta' finds damage and restores nothing: .*Detector"
    ):
        Restorer.load(detector_file)
    np.testing.assert_array_equal(Detector.load(detector_file).detect(damaged).mask, mask)


def test_a_model_that_finds_nothing_is_no_detector(image: Pixels) -> None:
    with pytest.raises(ModelError, match="the model 'photo' finds no damage"):
        Restorer.load("photo", detector="photo").detect(image)
    with pytest.raises(ModelError, match="the model 'photo' finds no damage"):
        Detector.load("photo")


def test_it_is_loaded_once_and_only_when_needed(
    detector_file: Path, damaged: Pixels, mask: Pixels
) -> None:
    pool = CountingPool()
    restorer = Restorer("photo", pool, detector=detector_file)
    restorer.restore(damaged, mask)
    assert pool.loads == {"photo": 1}
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: restorer.detect(damaged).mask, range(8)))
    assert pool.loads == {"photo": 1, "magenta": 1}
    for each in found:
        np.testing.assert_array_equal(each, mask)


def test_a_detector_that_is_not_there_fails_when_it_is_needed(image: Pixels, mask: Pixels) -> None:
    restorer = Restorer.load("photo", threads=1, detector="none")
    restorer.restore(image, mask)
    with pytest.raises(ModelError, match="no model 'none'"):
        restorer.restore(image)


def test_a_probability_at_the_threshold_counts() -> None:
    probability = np.array([[0.2, 0.5, 0.8]], np.float32)
    options = DetectionOptions(threshold=0.5, min_mean_probability=0.5)
    np.testing.assert_array_equal(find_regions(probability, options), [[0, 255, 255]])


def test_the_mean_of_a_region_decides() -> None:
    """Also one that is exactly as large as it must be."""
    probability = np.array([[0.5, 0.75, 1.0, 0.2, 0.625]], np.float32)  # means of 0.75 and 0.625
    both, one, none = [255, 255, 255, 0, 255], [255, 255, 255, 0, 0], [0, 0, 0, 0, 0]
    for min_mean_probability, mask in ((0.625, both), (0.63, one), (0.75, one), (0.76, none)):
        options = DetectionOptions(threshold=0.5, min_mean_probability=min_mean_probability)
        np.testing.assert_array_equal(find_regions(probability, options), [mask])
    assert not find_regions(np.full((2, 3), 0.4, np.float32), DetectionOptions()).any()


class TestKinds:
    """A scratch in magenta, an overlay in cyan and a stain in yellow, which reach one another."""

    @pytest.fixture
    def detector(self, tmp_path: Path) -> Detector:
        kinds = {"scratch": 1, "overlay": 0, "stain": 2}
        return Detector.load(write_detector(tmp_path / "kinds.onnx", kinds), threads=1)

    @pytest.fixture
    def where(self) -> dict[str, Pixels]:
        masks = {kind: np.zeros((40, 60), np.uint8) for kind in ("scratch", "overlay", "stain")}
        masks["scratch"][10:20, 5:9] = 255
        masks["stain"][10:20, 9:15] = 255
        masks["overlay"][10:20, 15:40] = 255
        return masks

    @pytest.fixture
    def picture(self, where: dict[str, Pixels]) -> Pixels:
        picture = np.full((40, 60, 3), 120, np.uint8)
        colours = {"scratch": (255, 0, 255), "overlay": (0, 255, 255), "stain": (255, 255, 0)}
        for kind, mask in where.items():
            picture[mask > 0] = colours[kind][::-1]
        return picture

    def test_overlays_are_left_out(
        self, detector: Detector, picture: Pixels, where: dict[str, Pixels]
    ) -> None:
        found = detector(picture)
        assert found.kinds == ("scratch", "overlay", "stain")
        assert found.sought == ("scratch", "stain")
        np.testing.assert_array_equal(found.mask, where["scratch"] | where["stain"])

    def test_a_plan_says_what_was_left_alone(
        self, tmp_path: Path, detector: Detector, picture: Pixels
    ) -> None:
        picture[30, 5] = picture[33, 9] = (255, 11, 255)  # not quite magenta
        restorer = Restorer.load("photo", threads=1, detector=tmp_path / "kinds.onnx")
        plan = restorer.plan(picture)
        assert plan.left_alone == (
            "2 regions, 0.083 % of the picture, are less sure than min_mean_probability, 0.8",
            "overlay, 10 % of the picture, is not among kinds",
        )
        assert plan.changes and "left alone: 2 regions" in str(plan)
        assert not restorer.plan(picture, picture[..., 0] * 0).left_alone

    def test_what_is_asked_for(
        self, detector: Detector, picture: Pixels, where: dict[str, Pixels]
    ) -> None:
        options = Options(kinds={"overlay"})  # type: ignore[arg-type]
        found = detector.detect(picture, options=options)
        np.testing.assert_array_equal(found.mask, where["overlay"])
        every = detector.detect(picture, options=Options(kinds=frozenset(where)))
        assert every.sought == every.kinds
        np.testing.assert_array_equal(every.mask, np.maximum.reduce([*where.values()]))
        for kind, mask in where.items():
            np.testing.assert_array_equal(every.kind_mask(kind), mask)

    def test_kinds_are_told_apart(
        self, detector: Detector, picture: Pixels, where: dict[str, Pixels]
    ) -> None:
        found = detector(picture)
        for kind in ("scratch", "stain"):
            np.testing.assert_array_equal(found.kind_mask(kind), where[kind])
        for kind, mask in where.items():  # also one that was not looked for
            np.testing.assert_array_equal(found.probability(kind) > 0.5, mask > 0)
        wanted = np.maximum(found.probability("scratch"), found.probability("stain"))
        np.testing.assert_array_equal(found.probability(), wanted)

    def test_what_there_is_not(self, detector: Detector, picture: Pixels) -> None:
        found = detector(picture)
        with pytest.raises(OptionError, match="no kind 'overlay' here; there are: scratch, stain"):
            found.kind_mask("overlay")
        with pytest.raises(OptionError, match=r"no kind 'rust' here; .* scratch, overlay, stain"):
            found.probability("rust")
        options = Options(kinds={"rust", "stain"})  # type: ignore[arg-type]
        with pytest.raises(OptionError, match=r"kinds asks for rust; .* finds scratch"):
            detector.detect(picture, options=options)

    def test_one_that_only_finds_overlays_finds_them(self, tmp_path: Path) -> None:
        file = write_detector(tmp_path / "overlay.onnx", {"overlay": 1})
        found = Detector.load(file, threads=1)(np.full((9, 9, 3), (255, 0, 255), np.uint8))
        assert found.sought == ("overlay",)
        assert found.mask.all()

    def test_widened(self) -> None:
        probabilities = np.zeros((1, 9, 9), np.float32)
        probabilities[0, 4, 4] = 1.0
        for dilation in (0, 1, 3):
            options = DetectionOptions(dilation=dilation)
            found = Detection(("damage",), probabilities, ("damage",), options)
            rows, columns = np.nonzero(found.widened_mask)
            assert rows.max() - rows.min() == columns.max() - columns.min() == 2 * dilation
            assert np.count_nonzero(found.mask) == 1
