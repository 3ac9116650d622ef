from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import ImageError, InpaintError, MaskError, Restorer, SourceError
from inpaint_sdk.stream import Stream, StreamCounts

Pixels = NDArray[Any]


def numbered(count: int, every: float = 0.0) -> Iterator[Pixels]:
    for index in range(count):
        if every:
            time.sleep(every)
        yield np.full((2, 2), index, np.int64)


def assert_every_frame_counted(counts: StreamCounts) -> None:
    known = counts.restored + counts.passed + counts.dropped + counts.waiting
    assert counts.captured == known


def stream(frames: Any, seconds: float = 0.0, **options: Any) -> Stream:
    def restore(image: Pixels) -> Pixels:
        time.sleep(seconds)
        return image + 1000

    return Stream(frames, restore, **{"budget": None, "late": "drop", "queue": 2, **options})


def test_without_a_budget_nothing_is_lost() -> None:
    with stream(numbered(200)) as frames:
        found = [(f.index, int(f.image[0, 0]), f.restored) for f in frames]
    assert found == [(n, 1000 + n, True) for n in range(200)]
    assert frames.counts == StreamCounts(captured=200, restored=200)


def test_a_slow_caller_slows_the_source() -> None:
    taken = 0

    def endless() -> Iterator[Pixels]:
        nonlocal taken
        while True:
            taken += 1
            yield np.zeros((2, 2))

    with stream(endless(), queue=2) as frames:
        for _ in range(5):
            next(frames)
        time.sleep(0.2)
        assert taken <= 5 + 2 + 2 + 2  # two queues, one in work, one at the door


def test_late_frames_are_dropped_and_counted() -> None:
    with stream(numbered(60, every=0.004), 0.03, budget=0.05) as frames:
        found = list(frames)
    counts = frames.counts
    assert counts.captured == 60
    assert counts.dropped > 10
    assert counts.restored == len(found) == 60 - counts.dropped
    assert counts.passed == counts.waiting == 0
    assert [f.index for f in found] == sorted(f.index for f in found)
    assert all(int(f.image[0, 0]) == 1000 + f.index for f in found)


def test_late_frames_are_passed_through_and_counted() -> None:
    with stream(numbered(60, every=0.004), 0.03, budget=0.05, late="pass") as frames:
        found = list(frames)
    counts = frames.counts
    assert [f.index for f in found] == list(range(60)), "a frame is missing"
    assert counts.passed == sum(not f.restored for f in found) > 10
    assert counts.restored == sum(f.restored for f in found) > 0
    assert counts.dropped == 0
    for frame in found:
        assert int(frame.image[0, 0]) == frame.index + 1000 * frame.restored


def test_frames_in_time_are_all_restored() -> None:
    with stream(numbered(30, every=0.01), 0.0, budget=5.0) as frames:
        assert all(f.restored and f.latency < 5.0 for f in frames)
    assert frames.counts == StreamCounts(captured=30, restored=30)


def test_one_slow_frame_does_not_condemn_the_rest() -> None:
    slow = iter([0.3])

    def restore(image: Pixels) -> Pixels:
        time.sleep(next(slow, 0.0))
        return image

    frames = Stream(numbered(60, every=0.01), restore, budget=0.1, late="drop", queue=2)
    with frames:
        list(frames)
    assert frames.counts.restored > 15


def test_capture_restoration_and_output_overlap() -> None:
    """Three parts of 20 ms each take little more than one, for each frame."""
    started = time.perf_counter()
    with stream(numbered(20, every=0.02), 0.02) as frames:
        for _ in frames:
            time.sleep(0.02)
    assert time.perf_counter() - started < 20 * 0.06 * 0.8


def test_an_error_of_the_source_comes_after_its_frames() -> None:
    def broken() -> Iterator[Pixels]:
        yield from numbered(3)
        raise SourceError("the camera was lost")

    frames = stream(broken())
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SourceError, match="lost"):
        next(frames)
    with pytest.raises(StopIteration):
        next(frames)
    assert_every_frame_counted(frames.counts)


def test_an_error_while_restoring_is_raised() -> None:
    def fail(image: Pixels) -> Pixels:
        raise ImageError("another size")

    with pytest.raises(ImageError, match="another size"):
        list(Stream(numbered(50), fail, budget=None, late="drop", queue=2))


def test_stopping_ends_the_threads_and_closes_the_source() -> None:
    closed = threading.Event()

    def endless() -> Iterator[Pixels]:
        try:
            while True:
                yield np.zeros((2, 2))
        finally:
            closed.set()

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), stream(endless()) as frames:
        next(frames)
        raise KeyboardInterrupt
    assert closed.is_set()
    assert threading.active_count() == before
    assert_every_frame_counted(frames.counts)


def test_a_long_stream_counts_every_frame() -> None:
    with stream(numbered(20_000), budget=0.0001) as frames:
        for _ in frames:
            assert_every_frame_counted(frames.counts)
    assert frames.counts.captured == 20_000
    assert_every_frame_counted(frames.counts)


def test_restorers_stream(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    rolled = [np.roll(image, shift, axis=1) for shift in range(6)]
    with photo.stream(rolled, mask) as frames:
        found = [frame.image for frame in frames]
    for result, source in zip(found, rolled, strict=True):
        np.testing.assert_array_equal(result, photo.restore(source, mask))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"late": "wait"}, InpaintError, 'must be "drop" or "pass"'),
        ({"budget": 0}, InpaintError, "budget is 0; it must be positive"),
        ({"queue": 0}, InpaintError, "queue is 0"),
        ({"mask": None, "damage": "air"}, MaskError, 'must be "frame" or "lens"'),
    ],
)
def test_options_that_are_refused(
    photo: Restorer, mask: Pixels, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        photo.stream([], **{"mask": mask, **options})
