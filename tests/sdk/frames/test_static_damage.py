"""Damage that stays in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from inpaint_sdk.runners.lens import FIRST, SOME, StaticDamage
from numpy.typing import NDArray

from inpaint_sdk import DetectionOptions, ImageError, ModelError, Restorer
from support.detector import MAGENTA

Pixels = NDArray[Any]
EXACT = DetectionOptions(dilation=0)


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
    restore = finder.on_lens(detection=EXACT)
    assert restore.mask is None
    for frame in frames(image, mask, 12):
        restored = restore(frame)
    np.testing.assert_array_equal(restore.mask, mask)
    np.testing.assert_array_equal(restored, finder.restore(frame, mask))


def test_one_frame_more_or_less_does_not_change_the_mask() -> None:
    lens = StaticDamage(EXACT)
    dirt = np.zeros((8, 8), np.float32)
    dirt[2:4, 2:4] = 0.55
    weaker = dirt * np.float32(0.7)
    holes = []
    for probability in (dirt, dirt, weaker, weaker, dirt, weaker):
        lens.add(probability)
        holes.append(lens.hole)
    for hole in holes:
        np.testing.assert_array_equal(hole, holes[0])
    assert holes[0].sum() == 4 * 255


def test_what_goes_away_is_forgotten() -> None:
    lens = StaticDamage(EXACT)
    lens.add(np.ones((4, 4), np.float32) * np.eye(4, dtype=np.float32))
    for _ in range(9):
        lens.add(np.zeros((4, 4), np.float32))
    assert not lens.hole.any()


def test_later_frames_are_looked_at_now_and_then(
    finder: Restorer, image: Pixels, mask: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    detect = finder.detect

    def counting(*given: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        return detect(*given, **options)

    monkeypatch.setattr(finder, "detect", counting)
    restore = finder.on_lens(detection=EXACT)
    for frame in frames(image, mask, FIRST + 2 * SOME):
        restore(frame)
    assert looks == FIRST + 2


def test_a_clean_lens_changes_nothing(finder: Restorer, image: Pixels) -> None:
    restore = finder.on_lens(steady=True)
    for shift in range(3):
        frame = np.roll(image, shift, axis=0)
        np.testing.assert_array_equal(restore(frame), frame)


def test_a_stream_knows_its_lens(finder: Restorer, image: Pixels, mask: Pixels) -> None:
    given = frames(image, mask, 10)
    with finder.stream(given, damage="lens", detection=EXACT) as stream:
        found = [frame.image for frame in stream]
    np.testing.assert_array_equal(found[-1], finder.restore(given[-1], mask))


def test_frames_of_another_size_are_refused(finder: Restorer, image: Pixels) -> None:
    restore = finder.on_lens()
    restore(image)
    with pytest.raises(ImageError, match="one size"):
        restore(image[:50])


def test_a_model_that_restores_whole_pictures_has_no_lens() -> None:
    with pytest.raises(ModelError, match="restores whole pictures"):
        Restorer.load("cloud-thin", threads=1).on_lens()
