"""Capturing, restoring and giving out frames side by side, within a latency budget.

Three threads: one takes frames from the source, one restores them, and the caller's uses them.
Between them are short queues, so that a slow part slows the others instead of filling memory.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from inpaint_sdk.errors import InpaintError

Pixels = NDArray[Any]
LatePolicy = Literal["drop", "pass"]

LEARNING = 0.2
"""Share of the latest frame in the running estimate of how long a frame takes."""


@dataclass(frozen=True)
class Frame:
    """One frame of a stream.

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

    restored, passed, dropped: frames restored, passed through unrestored, given up. waiting: in
    the queues. late: of those restored, how many were ready only after the budget.
    """

    captured: int = 0
    restored: int = 0
    passed: int = 0
    dropped: int = 0
    waiting: int = 0
    late: int = 0


@dataclass(frozen=True)
class _Captured:
    image: Pixels
    index: int
    at: float


class Stream:
    """An iterator of restored frames, in order. Made by :meth:`Restorer.stream`.

    Use it as a context manager, or call :meth:`close`: its threads then end, also after Ctrl-C.
    """

    def __init__(
        self,
        frames: Iterable[Pixels],
        restore: Callable[[Pixels], Pixels],
        *,
        budget: float | None,
        late: LatePolicy,
        queue: int,
    ) -> None:
        if late not in get_args(LatePolicy):
            raise InpaintError(f'late is {late!r}; it must be "drop" or "pass"')
        if budget is not None and budget <= 0:
            raise InpaintError(f"budget is {budget}; it must be positive, or None for no limit")
        if queue < 1:
            raise InpaintError(f"queue is {queue}; it must be at least 1")
        self._frames = frames
        self._restore = restore
        self._budget = budget
        self._late: LatePolicy = late
        self._size = queue
        self._state = threading.Condition()
        self._captured: deque[_Captured] = deque()
        self._ready: deque[Frame] = deque()
        self._counts = StreamCounts()
        self._in_work = 0
        self._error: BaseException | None = None
        self._capture_ended = self._restore_ended = self._stopped = False
        self._usual_seconds = 0.0  # that restoring a frame takes
        self._threads = [
            threading.Thread(target=work, name=f"inpaint-{name}", daemon=True)
            for name, work in (("capture", self._capture), ("restore", self._run))
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with self._state:
            self._state.wait_for(lambda: self._ready or self._restore_ended or self._stopped)
            if self._ready:
                frame = self._ready.popleft()
                self._state.notify_all()
                return frame
            error, self._error = self._error, None
        self.close()
        if error is not None:
            raise error
        raise StopIteration

    @property
    def counts(self) -> StreamCounts:
        """What became of the frames so far; every captured frame is in it once."""
        with self._state:
            waiting = len(self._captured) + self._in_work
            return replace(self._counts, waiting=waiting)

    def close(self) -> None:
        """Stops taking frames and ends the threads; frames that wait count as dropped.

        A source that is blocked in a read is waited for up to a second; if it has a ``close``
        method, that is called.
        """
        with self._state:
            self._stopped = True
            self._count(dropped=len(self._captured))
            self._captured.clear()
            self._state.notify_all()
        capture, run = self._threads
        if threading.current_thread() not in self._threads:
            run.join()
            capture.join(timeout=1.0)
        close = getattr(self._frames, "close", None)
        if close is not None and not capture.is_alive():
            close()

    def _capture(self) -> None:
        try:
            for index, image in enumerate(self._frames):
                if not self._admit(_Captured(image, index, time.monotonic())):
                    return
        except BaseException as error:  # handed to the caller's thread, whatever it is
            with self._state:
                self._error = error
        finally:
            with self._state:
                self._capture_ended = True
                self._state.notify_all()

    def _admit(self, frame: _Captured) -> bool:
        """Puts a frame into the queue; returns False when the stream was stopped."""
        with self._state:
            if self._budget is not None and self._late == "drop":
                if len(self._captured) >= self._size:
                    self._captured.popleft()
                    self._count(dropped=1)
            else:
                self._state.wait_for(lambda: len(self._captured) < self._size or self._stopped)
            if self._stopped:
                return False
            self._captured.append(frame)
            self._count(captured=1)
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
                self._error = error
                self._stopped = True  # what the source still gives has nowhere to go
        finally:
            with self._state:
                self._restore_ended = True
                self._state.notify_all()

    def _take(self) -> _Captured | None:
        with self._state:
            self._state.wait_for(lambda: self._captured or self._capture_ended or self._stopped)
            if self._stopped or not self._captured:
                return None
            self._in_work = 1
            frame = self._captured.popleft()
            self._state.notify_all()
            return frame

    def _work_on(self, frame: _Captured) -> Frame | None:
        begun = time.monotonic()
        in_time = self._budget is None or (begun - frame.at + self._usual_seconds <= self._budget)
        if not in_time:
            # So that one slow frame does not condemn all that follow.
            self._usual_seconds *= 1.0 - LEARNING
            if self._late == "drop":
                self._done(dropped=1)
                return None
            return Frame(frame.image, frame.index, False, begun - frame.at)
        image = self._restore(frame.image)
        ended = time.monotonic()
        self._usual_seconds += (ended - begun - self._usual_seconds) * LEARNING
        return Frame(image, frame.index, True, ended - frame.at)

    def _give(self, frame: Frame) -> bool:
        """Puts a result where the caller takes it; returns False when the stream was stopped."""
        with self._state:
            self._state.wait_for(lambda: len(self._ready) < self._size or self._stopped)
            is_late = self._budget is not None and frame.latency > self._budget
            if self._stopped:
                self._done(dropped=1)
                return False
            self._ready.append(frame)
            if frame.restored:
                self._done(restored=1, late=int(is_late))
            else:
                self._done(passed=1)
            self._state.notify_all()
        return True

    def _done(self, **more: int) -> None:
        with self._state:
            self._in_work = 0
            self._count(**more)

    def _count(self, **more: int) -> None:
        values = {name: getattr(self._counts, name) + number for name, number in more.items()}
        self._counts = replace(self._counts, **values)
