from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import ImageError, InpaintError, Restorer, SourceError
from inpaint_sdk.errors import OptionError
from inpaint_sdk.stream import Frame, Stream, StreamCounts, pipeline

Pixels = NDArray[Any]
PATIENCE = 30.0
"""Seconds after which a test gives up waiting for another thread."""


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Camera:
    """A source whose read waits until the test shows it something, or closes it."""

    def __init__(self) -> None:
        self._shown: SimpleQueue[Pixels | BaseException] = SimpleQueue()
        self._index = 0
        self.closed = threading.Event()

    def show(self, count: int = 1) -> None:
        for _ in range(count):
            self._shown.put(picture(self._index))
            self._index += 1

    def end(self, error: BaseException | None = None) -> None:
        self._shown.put(error or StopIteration())

    def __iter__(self) -> Iterator[Pixels]:
        return self

    def __next__(self) -> Pixels:
        shown = self._shown.get()
        if isinstance(shown, BaseException):
            raise shown
        return shown

    def close(self) -> None:
        self.closed.set()
        self.end(SourceError("read after the end"))


class Restoration:
    """Adds 1000 and lets ``seconds`` pass; can be held up."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.clock, self.seconds = clock, seconds
        self.open = threading.Event()
        self.open.set()

    def __call__(self, image: Pixels) -> Pixels:
        assert self.open.wait(PATIENCE)
        self.clock.now += self.seconds
        return image + 1000


def picture(index: int) -> Pixels:
    return np.full((2, 2), index, np.int64)


def numbered(count: int) -> Iterator[Pixels]:
    yield from map(picture, range(count))


def brighter(image: Pixels) -> Pixels:
    return image + 1000


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("inpaint-")]


def assert_every_frame_counted(counts: StreamCounts) -> None:
    known = counts.restored + counts.passed_through + counts.dropped + counts.waiting
    assert counts.captured == known


def test_without_a_budget_nothing_is_lost() -> None:
    with Stream(numbered(200), brighter) as frames:
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

    with Stream(endless(), brighter, queue=2) as frames:
        for _ in range(5):
            next(frames)
        everything = 5 + 2 + 1 + 2 + 1  # taken, ready, at that queue's door, waiting, at its door
        until(lambda: taken == everything)
        time.sleep(0.05)
        assert taken == everything


@pytest.mark.parametrize("late", ["drop", "passthrough"])
def test_late_frames_are_dropped_or_passed_through(late: Any) -> None:
    camera, clock = Camera(), Clock()
    restore = Restoration(clock)
    restore.open.clear()
    with Stream(camera, restore, latency_budget=0.05, late=late, _clock=clock) as frames:
        camera.show()
        until(lambda: frames.counts.waiting == 1 and not frames._work._captured)
        camera.show(2)
        until(lambda: frames.counts.captured == 3)
        clock.now += 0.1
        restore.open.set()
        camera.end()
        found = list(frames)
    first = StreamCounts(captured=3, restored=1, late=1)
    assert [(f.index, f.restored, f.latency) for f in found[:1]] == [(0, True, 0.1)]
    if late == "drop":
        assert frames.counts == StreamCounts(**{**vars(first), "dropped": 2})
        assert len(found) == 1
    else:
        assert frames.counts == StreamCounts(**{**vars(first), "passed_through": 2})
        assert [(f.index, f.restored) for f in found[1:]] == [(1, False), (2, False)]
    for frame in found:
        assert int(frame.image[0, 0]) == frame.index + 1000 * frame.restored


def test_a_full_queue_drops_its_oldest() -> None:
    camera, clock = Camera(), Clock()
    restore = Restoration(clock)
    restore.open.clear()
    with Stream(camera, restore, latency_budget=1.0, queue=2, _clock=clock) as frames:
        camera.show()
        until(lambda: frames.counts.waiting == 1 and not frames._work._captured)
        camera.show(5)
        until(lambda: frames.counts.captured == 6)
        restore.open.set()
        camera.end()
        assert [frame.index for frame in frames] == [0, 4, 5]
    assert frames.counts == StreamCounts(captured=6, restored=3, dropped=3)


def test_frames_in_time_are_all_restored() -> None:
    camera, clock = Camera(), Clock()
    with Stream(camera, Restoration(clock, 0.01), latency_budget=0.05, _clock=clock) as frames:
        for _ in range(30):
            camera.show()
            frame = next(frames)
            assert frame.restored
            assert frame.latency == pytest.approx(0.01)
    assert frames.counts == StreamCounts(captured=30, restored=30)


def test_one_slow_frame_does_not_condemn_the_rest() -> None:
    camera, clock = Camera(), Clock()
    restore = Restoration(clock, 3.0)
    found = []
    with Stream(camera, restore, latency_budget=0.1, late="passthrough", _clock=clock) as frames:
        for _ in range(20):
            camera.show()
            found.append(next(frames).restored)
            restore.seconds = 0.0
    # A fifth of 3 s is expected of the next frame, and a fifth less of each that is late.
    assert found == [True, *[False] * 9, *[True] * 10]


def test_capture_restoration_and_output_overlap() -> None:
    """The source takes frame 2 while frame 1 is restored and the caller has frame 0."""
    together = threading.Barrier(3)

    def source() -> Iterator[Pixels]:
        for index in range(4):
            if index == 2:
                together.wait(PATIENCE)
            yield picture(index)

    def restore(image: Pixels) -> Pixels:
        if image[0, 0] == 1:
            together.wait(PATIENCE)
        return image

    with Stream(source(), restore) as frames:
        for frame in frames:
            if frame.index == 0:
                together.wait(PATIENCE)


def test_an_error_of_the_source_comes_after_its_frames() -> None:
    def broken() -> Iterator[Pixels]:
        yield from numbered(3)
        raise SourceError("the camera was lost")

    frames = Stream(broken(), brighter)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SourceError, match="lost"):
        next(frames)
    with pytest.raises(StopIteration):
        next(frames)
    assert_every_frame_counted(frames.counts)


def test_an_error_while_restoring_comes_after_the_frames_before_it() -> None:
    def restore(image: Pixels) -> Pixels:
        if image[0, 0] == 3:
            raise ImageError("another size")
        return image

    frames = Stream(numbered(50), restore)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ImageError, match="another size"):
        next(frames)
    assert frames.counts.waiting == 0
    assert_every_frame_counted(frames.counts)
    assert not threads()


def test_the_error_of_the_earlier_frame_is_raised() -> None:
    """The source has failed before the restoration of one of its frames does."""
    camera, failed = Camera(), threading.Event()

    def restore(image: Pixels) -> Pixels:
        assert failed.wait(PATIENCE)
        raise ImageError("another size")

    frames = Stream(camera, restore)
    camera.show()
    camera.end(SourceError("the camera was lost"))
    until(lambda: frames._work._capture_ended)
    failed.set()
    with pytest.raises(ImageError, match="another size"):
        next(frames)


def test_stopping_ends_the_threads_and_closes_the_source() -> None:
    closed = threading.Event()

    def endless() -> Iterator[Pixels]:
        try:
            while True:
                yield np.zeros((2, 2))
        finally:
            closed.set()

    with pytest.raises(KeyboardInterrupt), Stream(endless(), brighter) as frames:
        next(frames)
        raise KeyboardInterrupt
    assert closed.is_set()
    assert not threads()
    assert_every_frame_counted(frames.counts)
    with pytest.raises(StopIteration):
        next(frames)


def test_closing_closes_a_source_whose_read_blocks() -> None:
    camera = Camera()
    frames = Stream(camera, brighter)
    camera.show()
    next(frames)
    frames.close()
    assert camera.closed.is_set()
    assert not threads()


def test_closing_wakes_who_waits_for_a_frame() -> None:
    camera = Camera()
    frames = Stream(camera, brighter)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(list, frames)
        frames.close()
        assert waiting.result(PATIENCE) == []


def test_a_generator_that_blocks_is_closed_when_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "CLOSE_SECONDS", 0.05)
    reading, go_on, closed = (threading.Event() for _ in range(3))

    def stuck() -> Iterator[Pixels]:
        try:
            reading.set()
            go_on.wait(PATIENCE)
            yield picture(0)
        finally:
            closed.set()

    frames = Stream(stuck(), brighter)
    assert reading.wait(PATIENCE)
    frames.close()
    assert not closed.is_set()
    assert [thread.name for thread in threads()] == ["inpaint-capture"]
    go_on.set()
    assert closed.wait(PATIENCE)
    until(lambda: not threads())


def test_a_source_that_ends_is_closed_once() -> None:
    class Once:
        closed = 0

        def __iter__(self) -> Iterator[Pixels]:
            return numbered(3)

        def close(self) -> None:
            self.closed += 1

    source = Once()
    with Stream(source, brighter) as frames:
        assert len(list(frames)) == 3
    assert source.closed == 1


def test_a_stream_that_is_dropped_ends() -> None:
    camera = Camera()
    frames = Stream(camera, brighter)
    camera.show()
    next(frames)
    gone = weakref.ref(frames)
    del frames
    gc.collect()
    assert gone() is None
    assert camera.closed.wait(PATIENCE)
    until(lambda: not threads())


FORGETFUL = """
import cv2
import numpy as np
from inpaint_sdk.stream import Stream

image = np.zeros((240, 320, 3), np.uint8)

def endless():
    while True:
        yield cv2.GaussianBlur(image, (0, 0), 2)

frames = Stream(endless(), lambda image: cv2.GaussianBlur(image, (0, 0), 2), latency_budget=1)
for _ in range(3):
    next(frames)
"""


def test_a_script_may_end_with_an_open_stream() -> None:
    """Threads that are in native code while the interpreter ends sometimes abort the process."""

    def run(_: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", FORGETFUL]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(run, range(20)))
    assert [(r.returncode, r.stderr) for r in runs] == [(0, "")] * 20


def test_the_end_of_the_program_ends_all_streams() -> None:
    """What the interpreter calls at its end; also for a source that cannot be closed."""

    class Stubborn(Camera):
        def close(self) -> None:
            super().close()
            raise OSError("no")

    cameras = [Stubborn(), Camera()]
    frames = [Stream(camera, brighter) for camera in cameras]
    pipeline._end_all()
    assert all(camera.closed.is_set() for camera in cameras)
    assert not threads()
    assert not pipeline._RUNNING
    assert [stream.counts.captured for stream in frames] == [0, 0]


def test_a_long_stream_counts_every_frame() -> None:
    with Stream(numbered(5_000), brighter, latency_budget=0.0001) as frames:
        for _ in frames:
            assert_every_frame_counted(frames.counts)
    assert frames.counts.captured == 5_000
    assert_every_frame_counted(frames.counts)


def test_frames_are_compared_by_identity() -> None:
    frame, like = (Frame(picture(1), 0, True, 0.0) for _ in range(2))
    assert frame == frame
    assert frame != like
    assert len({frame, like, frame}) == 2


def test_a_restorers_frames(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    rolled = [np.roll(image, shift, axis=1) for shift in range(6)]
    with Stream(rolled, lambda image: photo.restore(image, mask)) as frames:
        found = [frame.image for frame in frames]
    for result, source in zip(found, rolled, strict=True):
        np.testing.assert_array_equal(result, photo.restore(source, mask))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"late": "pass"}, 'late is \'pass\'; it must be "drop" or "passthrough"'),
        ({"latency_budget": 0}, "latency_budget is 0; it must be a positive number of seconds"),
        ({"latency_budget": float("nan")}, "latency_budget is nan"),
        ({"queue": 0}, "queue is 0"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as refused:
        Stream([], brighter, **options)
    assert isinstance(refused.value, InpaintError)
    assert isinstance(refused.value, ValueError)
    assert not threads()


def test_a_source_may_fill_one_array_again() -> None:
    """Like OpenCV's ``read(buffer)`` and cameras' own libraries."""
    buffer = np.zeros((2, 3), np.uint8)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for index in range(6):
            buffer[:] = index
            yield buffer

    with Stream(frames(), lambda frame: frame + 100) as stream:
        assert [int(frame.image[0, 0]) for frame in stream] == [100, 101, 102, 103, 104, 105]
    assert (buffer == 5).all()
