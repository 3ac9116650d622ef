"""Damage that stays in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import DetectionOptions, ImageError, OptionError, Options, Restorer
from inpaint_sdk.frames.restorer import DETECT_EVERY, WARMUP_FRAMES
from inpaint_sdk.frames.static_damage import StaticDamage
from support.detector import MAGENTA
from support.models import CountingPool

Pixels = NDArray[Any]
EXACT = Options(detection=DetectionOptions(dilation=0))


def frames(image: Pixels, mask: Pixels, count: int) -> list[Pixels]:
    """A picture that moves behind magenta dirt, with a magenta bird that flies through."""
    made = []
    for index in range(count):
        frame = np.roll(image, 3 * index, axis=1).copy()
        frame[2:6, (7 * index) % 120 : (7 * index) % 120 + 4] = MAGENTA
        frame[mask > 0] = MAGENTA
        made.append(frame)
    return made


def test_what_stays_is_marked_and_what_moves_is_not(
    finder: Restorer, image: Pixels, mask: Pixels
) -> None:
    restore = finder.frames(damage="static", options=EXACT)
    assert restore.mask is None
    for frame in frames(image, mask, 12):
        restored = restore(frame)
    np.testing.assert_array_equal(restore.mask, mask)
    np.testing.assert_array_equal(restored, finder.restore(frame, mask))


def test_one_frame_more_or_less_does_not_change_the_mask() -> None:
    static = StaticDamage(EXACT)
    dirt = np.zeros((8, 8), np.float32)
    dirt[2:4, 2:4] = 0.55
    weaker = dirt * np.float32(0.7)
    masks = []
    for probability in (dirt, dirt, weaker, weaker, dirt, weaker):
        static.add(probability)
        masks.append(static.mask)
    for mask in masks:
        np.testing.assert_array_equal(mask, masks[0])
    assert masks[0].sum() == 4 * 255


def test_what_goes_away_is_forgotten() -> None:
    static = StaticDamage(EXACT)
    static.add(np.ones((4, 4), np.float32) * np.eye(4, dtype=np.float32))
    for _ in range(9):
        static.add(np.zeros((4, 4), np.float32))
    assert not static.mask.any()


def test_later_frames_are_looked_at_now_and_then(
    detector_file: Path, image: Pixels, mask: Pixels
) -> None:
    pool = CountingPool()
    restore = Restorer("photo", pool, detector=detector_file).frames(damage="static", options=EXACT)
    for frame in frames(image, mask, WARMUP_FRAMES + 2 * DETECT_EVERY):
        restore(frame)
    assert pool.runs["magenta"] == WARMUP_FRAMES + 2


def test_where_nothing_is_static_nothing_changes(finder: Restorer, image: Pixels) -> None:
    restore = finder.frames(damage="static", steady=True)
    for shift in range(3):
        frame = np.roll(image, shift, axis=0)
        np.testing.assert_array_equal(restore(frame), frame)


def test_a_stream_finds_it_too(finder: Restorer, image: Pixels, mask: Pixels) -> None:
    given = frames(image, mask, 10)
    with finder.stream(given, damage="static", options=EXACT) as stream:
        found = [frame.image for frame in stream]
    np.testing.assert_array_equal(found[-1], finder.restore(given[-1], mask))


def test_frames_of_another_size_are_refused(finder: Restorer, image: Pixels) -> None:
    restore = finder.frames(damage="static")
    restore(image)
    with pytest.raises(ImageError, match="one size"):
        restore(image[:50])


def test_what_is_damaged_everywhere_is_left_alone(
    finder: Restorer, image: Pixels, mask: Pixels, caplog: pytest.LogCaptureFixture
) -> None:
    """Until less of it is: a cover over the lens that is taken off."""
    restore = finder.frames(damage="static", options=EXACT)
    covered = np.full_like(image, MAGENTA)
    result = restore.run(covered)
    np.testing.assert_array_equal(result.image, covered)
    assert result.plan.left_alone[0].startswith("damage was found everywhere")
    assert restore.mask is None
    assert "a frame is left as it is: damage was found everywhere" in caplog.text
    for frame in frames(image, mask, WARMUP_FRAMES - 1):
        restored = restore(frame)
    assert restore.mask is not None
    np.testing.assert_array_equal(restored, finder.restore(frame, restore.mask))
    np.testing.assert_array_equal(restore.mask, mask)


def test_a_frame_has_no_mask_of_its_own(finder: Restorer, image: Pixels, mask: Pixels) -> None:
    with pytest.raises(OptionError, match="one holds for all"):
        finder.frames(damage="static")(image, mask)


def test_a_model_that_sees_damage_by_itself_looks_for_none() -> None:
    for model, clouds in (("clean", None), ("auto", "thin")):
        restorer = Restorer.load(model, threads=1, clouds=clouds)  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="sees damage by itself"):
            restorer.frames(damage="static")


def test_static_damage_is_looked_for_without_a_mask(finder: Restorer, mask: Pixels) -> None:
    with pytest.raises(OptionError, match="leave one of them out"):
        finder.frames(mask, damage="static")
