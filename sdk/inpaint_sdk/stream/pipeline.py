"""Capturing, restoring and giving out frames side by side, within a latency budget.

Three threads: one takes frames from the source, one restores them, and the caller's uses them.
Between them are short queues, so that a slow part slows the others instead of filling memory.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import OptionError
from inpaint_sdk.options import is_integer, is_number

Pixels = NDArray[Any]
LatePolicy = Literal["drop", "passthrough"]

SMOOTHING = 0.2
"""Weight of the latest frame in the running estimate of how long a frame takes."""

CLOSE_SECONDS = 1.0
"""How long closing waits for a read of the source that does not return."""

EXIT_SECONDS = 6.0
"""The same when the program ends: longer than a read from the network takes to give up."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a stream. Frames are compared and hashed by identity.

    image: as the source gave it, restored or not. index: of the frame in the source, from 0; gaps
    are frames that were dropped. restored: False for one that was passed through. latency: seconds
    from its capture until it was ready.
    """

    image: Pixels
    index: int
    restored: bool
    latency: float


@dataclass(frozen=True)
class StreamCounts:
    """What became of the frames; ``captured`` is the sum of the next three and ``waiting``.

    restored, passed_through, dropped: frames restored, given out unrestored, given up. waiting:
    captured and not yet any of these. late: of those restored, how many were ready only after the
    latency budget.
    """

    captured: int = 0
    restored: int = 0
    passed_through: int = 0
    dropped: int = 0
    waiting: int = 0
    late: int = 0


class Stream:
    """An iterator of restored frames, in order. Made by :meth:`inpaint_sdk.Restorer.stream`.

    Use it as a context manager, or call :meth:`close`. A stream that is dropped, or still open when
    the program ends, is stopped too.

    Args:
        frames: arrays, each copied when it comes; an iterable that is taken in a thread of its own.
            It is closed at the end if it has a ``close`` method, see :meth:`close`.
        restore: called with one frame after the other, in a thread of its own.
        latency_budget: seconds from a frame's capture until it should be ready. A frame for which
            that is not to be expected is late. None: no frame is late, and a slow consumer slows
            the source.
        late: what happens to a late frame: ``"drop"`` gives it up, and a frame that comes when the
            queue is full pushes out the oldest; ``"passthrough"`` gives it out unrestored.
        queue: frames that may wait to be restored, and results that may wait for the caller.

    Raises:
        OptionError: an option has a value that it cannot take. While iterating, whatever ``frames``
            or ``restore`` raises, after the frames before it.

    Examples:
        >>> import numpy as np
        >>> from inpaint_sdk import Restorer
        >>> frames = (np.full((90, 130, 3), n, np.uint8) for n in range(5))
        >>> with Restorer.load("photo").stream(frames, np.eye(90, 130, dtype=bool)) as stream:
        ...     [frame.index for frame in stream]
        [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        frames: Iterable[Pixels],
        restore: Callable[[Pixels], Pixels],
        *,
        latency_budget: float | None = None,
        late: LatePolicy = "drop",
        queue: int = 2,
        _clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if late not in get_args(LatePolicy):
            raise OptionError(f'late is {late!r}; it must be "drop" or "passthrough"')
        if latency_budget is not None and not (is_number(latency_budget) and latency_budget > 0):
            raise OptionError(
                f"latency_budget is {latency_budget!r}; it must be a positive number of seconds, "
                "or None for no limit"
            )
        if not is_integer(queue) or queue < 1:
            raise OptionError(f"queue is {queue!r}; it must be a whole number, at least 1")
        self._work = _Work(frames, restore, latency_budget, late, queue, _clock)
        self._work.start()
        weakref.finalize(self, self._work.stop).atexit = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame, error = self._work.result()
        if frame is not None:
            return frame
        self.close()
        if error is not None:
            raise error
        raise StopIteration

    @property
    def counts(self) -> StreamCounts:
        """What became of the frames so far; every captured frame is in it once."""
        return self._work.counts()

    def close(self) -> None:
        """Stops taking frames, closes the source and ends the threads.

        Frames that wait are dropped. A ``close`` method of the source is called once: at once, even
        while another thread is in its ``__next__``, except that a generator, which Python cannot
        close while it runs, is closed by the thread that runs it. A read that goes on in spite of
        that is waited for up to a second; its thread then ends when it returns.
        """
        try:
            self._work.stop()
        finally:
            self._work.join(CLOSE_SECONDS)


@dataclass(frozen=True)
class _Captured:
    image: Pixels
    index: int
    at: float


class _Work:
    """The threads and queues of one stream.

    The threads hold this object and never the :class:`Stream`, so that dropping that ends them.
    """

    def __init__(
        self,
        frames: Iterable[Pixels],
        restore: Callable[[Pixels], Pixels],
        latency_budget: float | None,
        late: LatePolicy,
        queue: int,
        clock: Callable[[], float],
    ) -> None:
        self._restore = restore
        self._budget = latency_budget
        self._late = late
        self._size = queue
        self._clock = clock
        self._close_source: Callable[[], object] | None = getattr(frames, "close", None)
        self._is_generator = isinstance(frames, Generator)
        self._state = threading.Condition()
        self._captured: deque[_Captured] = deque()
        self._ready: deque[Frame] = deque()
        self._counts: Counter[str] = Counter()
        self._in_work = 0
        self._error: BaseException | None = None
        self._capture_ended = self._restore_ended = self._stopped = False
        self._usual_seconds = 0.0  # that restoring a frame takes
        self._capture_thread = threading.Thread(
            target=self._capture, args=(frames,), name="inpaint-capture", daemon=True
        )
        self._restore_thread = threading.Thread(
            target=self._run, name="inpaint-restore", daemon=True
        )

    def start(self) -> None:
        _RUNNING.add(self)
        self._capture_thread.start()
        self._restore_thread.start()

    def stop(self) -> None:
        """Tells both threads to end and closes the source, without waiting for anything."""
        with self._state:
            self._stopped = True
            self._counts["dropped"] += len(self._captured)
            self._captured.clear()
            self._ready.clear()
            self._state.notify_all()
        if not self._is_generator:
            self._close_source_once()

    def join(self, read_seconds: float) -> None:
        """Waits for the threads to end; for a read of the source no longer than that."""
        current = threading.current_thread()
        if current is not self._restore_thread:
            self._restore_thread.join()
        if current is not self._capture_thread:
            self._capture_thread.join(read_seconds)

    def counts(self) -> StreamCounts:
        with self._state:
            return StreamCounts(**self._counts, waiting=len(self._captured) + self._in_work)

    def result(self) -> tuple[Frame | None, BaseException | None]:
        """Waits for the next frame; without one, what ended the stream: an error or None."""
        with self._state:
            self._state.wait_for(lambda: self._ready or self._restore_ended or self._stopped)
            if self._ready:
                self._state.notify_all()
                return self._ready.popleft(), None
            error, self._error = self._error, None
            return None, error

    def _capture(self, frames: Iterable[Pixels]) -> None:
        try:
            try:
                for index, image in enumerate(frames):
                    if isinstance(image, np.ndarray):
                        image = image.copy()  # a source may fill one array again and again
                    if not self._admit(_Captured(image, index, self._clock())):
                        break
            finally:
                self._close_source_once()
        except BaseException as error:  # handed to the caller's thread, whatever it is
            with self._state:
                if self._stopped:
                    _LOG.info("the source failed while its stream was closed: %r", error)
                else:
                    self._error = error
        finally:
            self._ended("_capture_ended")

    def _close_source_once(self) -> None:
        with self._state:
            close, self._close_source = self._close_source, None
        if close is not None:
            close()

    def _admit(self, frame: _Captured) -> bool:
        """Puts a frame into the queue; returns False when the stream was stopped."""
        with self._state:
            if self._budget is not None and self._late == "drop":
                if len(self._captured) >= self._size:
                    self._captured.popleft()
                    self._counts["dropped"] += 1
            else:
                self._state.wait_for(lambda: len(self._captured) < self._size or self._stopped)
            if self._stopped:
                return False
            self._captured.append(frame)
            self._counts["captured"] += 1
            self._state.notify_all()
        return True

    def _run(self) -> None:
        try:
            while (frame := self._take()) is not None:
                result = self._work_on(frame)
                if result is not None and not self._give(result):
                    return
        except BaseException as error:
            with self._state:
                self._error = error  # before one of the source, whose frames come later
                self._stopped = True  # what the source still gives has nowhere to go
                self._done("dropped")
        finally:
            self._ended("_restore_ended")

    def _ended(self, which: str) -> None:
        with self._state:
            setattr(self, which, True)
            self._state.notify_all()
            if self._capture_ended and self._restore_ended:
                _RUNNING.discard(self)

    def _take(self) -> _Captured | None:
        with self._state:
            self._state.wait_for(lambda: self._captured or self._capture_ended or self._stopped)
            if self._stopped or not self._captured:
                return None
            self._in_work = 1
            self._state.notify_all()
            return self._captured.popleft()

    def _work_on(self, frame: _Captured) -> Frame | None:
        begun = self._clock()
        in_time = self._budget is None or begun - frame.at + self._usual_seconds <= self._budget
        if not in_time:
            # So that one slow frame does not condemn all that follow.
            self._usual_seconds *= 1.0 - SMOOTHING
            if self._late == "drop":
                self._done("dropped")
                return None
            return Frame(frame.image, frame.index, False, begun - frame.at)
        image = self._restore(frame.image)
        ended = self._clock()
        self._usual_seconds += (ended - begun - self._usual_seconds) * SMOOTHING
        return Frame(image, frame.index, True, ended - frame.at)

    def _give(self, frame: Frame) -> bool:
        """Puts a result where the caller takes it; returns False when the stream was stopped."""
        with self._state:
            self._state.wait_for(lambda: len(self._ready) < self._size or self._stopped)
            if self._stopped:
                self._done("dropped")
                return False
            self._ready.append(frame)
            self._done("restored" if frame.restored else "passed_through")
            if frame.restored and self._budget is not None and frame.latency > self._budget:
                self._counts["late"] += 1
            self._state.notify_all()
        return True

    def _done(self, outcome: str) -> None:
        with self._state:
            self._in_work = 0
            self._counts[outcome] += 1


_RUNNING: set[_Work] = set()
"""Work of which a thread has not ended."""


@atexit.register
def _end_all() -> None:
    """Ends what runs: a thread that came back from native code later would abort the process."""
    running = list(_RUNNING)
    for work in running:
        try:
            work.stop()
        except Exception as error:
            _LOG.info("a source could not be closed: %r", error)
    until = time.monotonic() + EXIT_SECONDS
    for work in running:
        work.join(max(0.0, until - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_RUNNING.clear)  # a child has none of these threads
