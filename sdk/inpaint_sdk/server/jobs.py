"""One request's work in the worker's thread: how far it is, and stopping it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Literal, TypeVar

from inpaint_sdk.backends.base import ParallelSession, PixelSession, Session
from inpaint_sdk.backends.pool import LoadedModel, ModelPool
from inpaint_sdk.server.refusals import ClientGoneError, RefusalError

T = TypeVar("T")

Step = Literal["waiting", "reading", "finding", "restoring"]

_CURRENT: ContextVar[Job | None] = ContextVar("job", default=None)


class Job:
    """Work on a picture. It can be stopped between runs of a network, and tells how far it is.

    max_seconds: after which it stops by itself.
    """

    def __init__(self, max_seconds: float) -> None:
        self.step: Step = "waiting"
        self.seconds = 0.0
        self._max_seconds = max_seconds
        self._started = 0.0
        self._stopped = threading.Event()
        self._expected = self._done = 0.0

    @property
    def share(self) -> float:
        """How much of the step is done, from 0 to 1; an estimate."""
        return min(1.0, self._done / self._expected) if self._expected else 0.0

    def begin(self, step: Step, pixels: float = 0.0) -> None:
        """A step begins, in which networks will be run on so many pixels, about."""
        self.check()
        self.step, self._expected, self._done = step, pixels, 0.0

    def ran(self, pixels: float) -> None:
        """A network was run on so many pixels."""
        self._done += pixels

    def stop(self) -> None:
        """Lets the work end at its next run of a network."""
        self._stopped.set()

    def check(self) -> None:
        """Raises if the work is to end: its client is gone, or it took too long."""
        if self._stopped.is_set():
            raise ClientGoneError
        if time.monotonic() - self._started > self._max_seconds:
            raise RefusalError(
                503,
                f"the work took longer than {self._max_seconds:g} seconds; send a smaller picture "
                "or mark less of it",
                retry_after=60,
            )

    def run(self, work: Callable[[Job], T]) -> T:
        """Does the work in this thread."""
        self._started = time.monotonic()
        token = _CURRENT.set(self)
        try:
            self.begin("reading")
            return work(self)
        finally:
            self.seconds = time.monotonic() - self._started
            _CURRENT.reset(token)


class WatchedPool(ModelPool):
    """Models whose every run is reported to the current job, and may end it."""

    def get(self, name_or_path: str | os.PathLike[str]) -> LoadedModel:
        model = super().get(name_or_path)
        session = model.session
        if isinstance(session, PixelSession):
            return replace(model, session=_WatchedPixels(session))
        if isinstance(session, ParallelSession):
            return replace(model, session=_WatchedParallel(session))
        return replace(model, session=_Watched(session))


class _Watched:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.backend = session.backend
        self.inputs = session.inputs
        self.outputs = session.outputs
        self.close = session.close

    def run(self, inputs: Any) -> Any:
        return _watch(_pixels(inputs), lambda: self._session.run(inputs))


class _WatchedPixels(_Watched):
    _session: PixelSession

    def run_pixels(self, pixels: Any, mask: Any, **how: Any) -> Any:
        height, width = pixels.shape[:2]
        return _watch(height * width, lambda: self._session.run_pixels(pixels, mask, **how))


class _WatchedParallel(_Watched):
    _session: ParallelSession

    def __init__(self, session: ParallelSession) -> None:
        super().__init__(session)
        self.cores = session.cores

    def run_each(self, inputs: Iterable[Any]) -> Iterator[Any]:
        job = _CURRENT.get()
        if job is None:
            yield from self._session.run_each(inputs)
            return
        waiting: deque[int] = deque()

        def checked() -> Iterator[Any]:
            for each in inputs:
                job.check()
                waiting.append(_pixels(each))
                yield each

        for result in self._session.run_each(checked()):
            job.ran(waiting.popleft())
            yield result


def _pixels(inputs: Any) -> int:
    number, _, height, width = inputs["image"].shape
    return int(number * height * width)


def _watch(pixels: int, run: Callable[[], T]) -> T:
    job = _CURRENT.get()
    if job is None:  # a model is being loaded
        return run()
    job.check()
    result = run()
    job.ran(pixels)
    return result
