from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PILImage

from inpaint_sdk import ImageError, MaskError, OptionError, Options, Restorer
from inpaint_sdk.images.image import Image
from support.detector import MAGENTA, scratched

Pixels = NDArray[np.uint8]


def noisy(scene: Pixels, rng: np.random.Generator, sigma: float = 4.0) -> Pixels:
    return np.clip(np.rint(scene + rng.normal(0, sigma, scene.shape)), 0, 255).astype(np.uint8)


@pytest.fixture
def scene(rng: np.random.Generator) -> Pixels:
    coarse = rng.integers(30, 220, (8, 10, 3)).astype(np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


@pytest.fixture
def logo() -> Pixels:
    mask = np.zeros((240, 320), np.uint8)
    mask[20:60, 180:300] = 255
    mask[200:215, 20:40] = 255
    return mask


def test_a_plan_is_good_for_every_picture(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    restore = photo.frames(mask)
    for shift in (0, 7):
        rolled = np.roll(image, shift, axis=1)
        np.testing.assert_array_equal(restore(rolled), photo.restore(rolled, mask))
    deep = image.astype(np.uint16) * 257
    np.testing.assert_array_equal(restore(deep), photo.restore(deep, mask))


def test_an_empty_mask_changes_nothing(photo: Restorer, image: Pixels) -> None:
    restore = photo.frames(np.zeros(image.shape[:2], np.uint8), steady=True)
    np.testing.assert_array_equal(restore(image), image)


def test_what_is_refused(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    with pytest.raises(ImageError, match="the frame is 130x80, the mask is 130x90"):
        photo.frames(mask)(image[:80])
    with pytest.raises(MaskError, match="covers the whole image"):
        photo.frames(np.ones((9, 9), bool))


def test_steady_keeps_known_pixels(
    photo: Restorer, scene: Pixels, logo: Pixels, rng: np.random.Generator
) -> None:
    restore = photo.frames(logo, steady=True)
    for _ in range(3):
        frame = noisy(scene, rng)
        np.testing.assert_array_equal(restore(frame)[logo == 0], frame[logo == 0])


def test_under_a_still_surrounding_nothing_flickers(
    photo: Restorer, scene: Pixels, logo: Pixels, rng: np.random.Generator
) -> None:
    restore = photo.frames(logo, steady=True)
    frames = np.stack([restore(noisy(scene, rng)) for _ in range(8)]).astype(float)
    deviation = frames.std(axis=0).mean(axis=2)
    assert deviation[logo > 0].max() == 0.0
    assert deviation[logo == 0].mean() > 3.0


def test_what_moves_is_followed(
    photo: Restorer, scene: Pixels, logo: Pixels, rng: np.random.Generator
) -> None:
    """After a cut to another scene, the filling is what the model gives for it."""
    restore = photo.frames(logo, steady=True)
    restore(scene)
    other = 255 - scene
    np.testing.assert_array_equal(restore(other), photo.restore(other, logo))


def test_a_change_beside_one_region_leaves_the_other(
    photo: Restorer, scene: Pixels, logo: Pixels
) -> None:
    restore = photo.frames(logo, steady=True)
    before = restore(scene)
    changed = scene.copy()
    changed[60:100, 180:300] = 255 - changed[60:100, 180:300]
    after = restore(changed)
    small, large = np.s_[200:215, 20:40], np.s_[20:60, 180:300]
    np.testing.assert_array_equal(after[small], before[small])
    assert np.abs(after[large].astype(int) - before[large]).mean() > 2.0


def test_another_form_of_frames_starts_anew(photo: Restorer, scene: Pixels, logo: Pixels) -> None:
    restore = photo.frames(logo, steady=True)
    restore(scene)
    deep = scene.astype(np.uint16) * 257
    np.testing.assert_array_equal(restore(deep), photo.restore(deep, logo))


class TestMasksOfFrames:
    def test_each_frame_has_its_own(self, photo: Restorer, image: Pixels, mask: Pixels) -> None:
        restore = photo.frames()
        for shift in (0, 9, 40):
            own = np.roll(mask, shift, axis=1)
            result = restore.run(image, own)
            np.testing.assert_array_equal(result.image, photo.restore(image, own))
            np.testing.assert_array_equal(result.mask, own)
            assert restore.mask is None

    def test_frames_of_every_size(self, finder: Restorer, image: Pixels, mask: Pixels) -> None:
        restore = finder.frames()
        for frame, own in ((image, mask), (image[:40], mask[:40]), (image[:, :70], mask[:, :70])):
            np.testing.assert_array_equal(restore(frame, own), finder.restore(frame, own))
            damaged = scratched(frame, own)
            np.testing.assert_array_equal(restore(damaged), finder.restore(damaged))

    @pytest.mark.parametrize("model", ["photo", "auto"])
    def test_one_that_is_everything_leaves_the_frame_alone(
        self,
        model: str,
        image: Pixels,
        mask: Pixels,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """One frame does not end a video; the next is restored."""
        restorer = Restorer.load(model, threads=2)
        restore = restorer.frames()
        result = restore.run(image, np.ones_like(mask))
        np.testing.assert_array_equal(result.image, image)
        assert not np.shares_memory(result.image, image)
        assert "the frame's mask covers it all" in result.plan.left_alone[0]
        assert result.mask is not None and not result.mask.any()
        assert [record.levelname for record in caplog.records if "left" in record.message] == [
            "WARNING"
        ]
        np.testing.assert_array_equal(restore(image, mask), restorer.restore(image, mask))

    def test_what_enhances_has_no_such_limit(self, image: Pixels, mask: Pixels) -> None:
        restorer = Restorer.load("clean", threads=2)
        found = restorer.frames()(image, np.ones_like(mask))
        np.testing.assert_array_equal(found, restorer.restore(image))

    def test_damage_everywhere_leaves_the_frame_alone(
        self, finder: Restorer, image: Pixels, mask: Pixels, caplog: pytest.LogCaptureFixture
    ) -> None:
        restore = finder.frames()
        everything = np.full_like(image, MAGENTA)
        result = restore.run(everything)
        np.testing.assert_array_equal(result.image, everything)
        assert result.plan.left_alone
        assert "is left as it is: damage was found everywhere" in caplog.text
        damaged = scratched(image, mask)
        np.testing.assert_array_equal(restore(damaged), finder.restore(damaged))

    def test_what_is_refused(self, photo: Restorer, image: Pixels, mask: Pixels) -> None:
        with pytest.raises(OptionError, match="give one of them"):
            photo.frames(mask)(image, mask)
        with pytest.raises(MaskError, match="one size"):
            photo.frames()(image, mask[:-1])
        with pytest.raises(OptionError, match="damage is 'air'; it must be one of 'frame', 'stat"):
            photo.frames(damage="air")  # type: ignore[arg-type]
        full = Options(strategy="full", memory_mb=16)
        large = np.zeros((500, 500, 3), np.uint8)
        with pytest.raises(ImageError, match="500x500 pixels at once"):
            photo.frames(options=full)(large, np.eye(500, dtype=bool))


@pytest.fixture(params=["photo", "clean", "auto", "cloud-thin"])
def any_model(request: pytest.FixtureRequest, detector_file: Path) -> Restorer:
    return Restorer.load(request.param, threads=2, detector=detector_file)


class TestInPlace:
    @pytest.mark.parametrize("marked", [True, False])
    @pytest.mark.parametrize("steady", [True, False])
    def test_the_frame_itself(
        self, any_model: Restorer, image: Pixels, mask: Pixels, marked: bool, steady: bool
    ) -> None:
        restore = any_model.frames(mask if marked else None, steady=steady)
        for shift in (0, 7):
            frame = scratched(np.roll(image, shift, axis=1), mask)
            expected = any_model.restore(frame, mask if marked else None)
            result = restore.run(frame, out=frame)
            assert result.image is frame
            np.testing.assert_array_equal(frame, expected)

    @pytest.mark.parametrize("marked", [True, False])
    def test_rows_with_padding(
        self, any_model: Restorer, image: Pixels, mask: Pixels, marked: bool
    ) -> None:
        """As GStreamer has them; what lies between the rows is not written to."""
        damaged = scratched(image, mask)
        height, width = mask.shape
        stride = 3 * width + 6
        buffer = np.full(height * stride + 11, 77, np.uint8)
        frame = np.ndarray((height, width, 3), np.uint8, buffer, 11, (stride, 3, 1))
        frame[...] = damaged
        expected = any_model.restore(damaged, mask if marked else None)
        assert any_model.frames(mask if marked else None)(frame, out=frame) is frame
        np.testing.assert_array_equal(frame, expected)
        frame[...] = 77
        assert (buffer == 77).all()

    @pytest.mark.parametrize("marked", [True, False])
    def test_another_array(
        self, any_model: Restorer, image: Pixels, mask: Pixels, marked: bool
    ) -> None:
        damaged = scratched(image, mask)
        before, out = damaged.copy(), np.zeros_like(damaged)
        given = mask if marked else None
        assert any_model.frames(given)(damaged, out=out) is out
        np.testing.assert_array_equal(damaged, before)
        np.testing.assert_array_equal(out, any_model.restore(damaged, given))

    def test_a_frame_that_needs_nothing(
        self, finder: Restorer, image: Pixels, mask: Pixels
    ) -> None:
        for given in (None, mask * 0):
            out = np.zeros_like(image)
            assert finder.frames(given)(image, out=out) is out
            np.testing.assert_array_equal(out, image)
            frame = image.copy()
            assert finder.frames(given)(frame, out=frame) is frame
            np.testing.assert_array_equal(frame, image)

    @pytest.mark.parametrize("form", [np.s_[..., 0], np.s_[:40], np.s_[..., :2]])
    def test_one_that_does_not_fit(
        self, photo: Restorer, image: Pixels, mask: Pixels, form: Any
    ) -> None:
        with pytest.raises(OptionError, match=r"out is uint8 of shape .* must be like the pict"):
            photo.frames(mask)(image, out=image[form])
        with pytest.raises(OptionError, match="out is uint16"):
            photo.frames(mask)(image, out=image.astype(np.uint16))
        with pytest.raises(OptionError, match="out is a list"):
            photo.frames(mask)(image, out=[])  # type: ignore[arg-type]
        image.flags.writeable = False  # as frames are that are read from bytes
        with pytest.raises(OptionError, match="out cannot be written to"):
            photo.frames(mask)(image, out=image)

    def test_a_float_frame(self, any_model: Restorer, image: Pixels, mask: Pixels) -> None:
        frame = (image / 255).astype(np.float32)
        expected = any_model.restore(frame, mask)
        any_model.frames(mask)(frame, out=frame)
        np.testing.assert_array_equal(frame, expected)


def test_threads_share_one_with_a_mask(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    restore = photo.frames(mask)
    images = [np.roll(image, shift, axis=1) for shift in range(0, 120, 10)]
    expected = [photo.restore(frame, mask) for frame in images]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(restore, images * 3))
    for index, result in enumerate(found):
        np.testing.assert_array_equal(result, expected[index % len(images)])


@pytest.mark.parametrize("steady", [True, False])
def test_a_frame_says_its_own_order_of_colours(
    photo: Restorer, image: Pixels, mask: Pixels, steady: bool
) -> None:
    """A PIL image is RGB, whatever the order of the restorer's arrays."""
    expected = photo.restore(image, mask)[..., ::-1]
    rgb = np.ascontiguousarray(image[..., ::-1])
    restore = photo.frames(mask, steady=steady)
    result = restore(PILImage.fromarray(rgb))
    assert isinstance(result, PILImage.Image)
    np.testing.assert_array_equal(np.asarray(result), expected)
    restore = photo.frames(mask, steady=steady)
    np.testing.assert_array_equal(restore(Image(rgb, "rgb")), expected)


def test_results_say_what_was_restored(finder: Restorer, image: Pixels, mask: Pixels) -> None:
    damaged = scratched(image, mask)
    result = finder.frames().run(damaged)
    np.testing.assert_array_equal(result.mask, finder.detect(damaged).widened_mask)
    assert set(result.seconds) == {"detect", "plan", "inpaint"}
    fixed = finder.frames(mask).run(damaged)
    np.testing.assert_array_equal(fixed.mask, mask)
    assert fixed.detection is None
