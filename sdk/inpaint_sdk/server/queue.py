"""One request at a time: each has all cores while it is worked on, and the others wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from inpaint_sdk.server.jobs import Job
from inpaint_sdk.server.refusals import ClientGoneError, RefusalError

T = TypeVar("T")


class Queue:
    """A worker's thread, and the requests that wait for it, in order."""

    def __init__(self, length: int, max_wait: float) -> None:
        self._places = length + 1
        self._max_wait = max_wait
        self._taken = 0
        self._usual_seconds = 1.0
        self._thread = ThreadPoolExecutor(1, "inpaint-sdk-worker")

    @property
    def taken(self) -> int:
        """Requests that are being read, wait or are worked on."""
        return self._taken

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, taken before a body is read, so that bodies in memory are few.

        Raises:
            RefusalError: all are taken (429).
        """
        if self._taken >= self._places:
            raise RefusalError(
                429,
                f"{self._taken} requests are waiting already; try again later",
                retry_after=self._until_free(),
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Does something in the worker's thread that is no request's."""
        return self._thread.submit(work)

    async def run(self, job: Job, work: Callable[[Job], T], gone: Coroutine[Any, Any, object]) -> T:
        """Does the work when its turn has come. gone: ends when the client closes its connection.

        Raises:
            RefusalError: its turn did not come in time (503).
            ClientGoneError: the client left; the work was not begun, or has ended early.
        """
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def begin() -> T:
            loop.call_soon_threadsafe(begun.set)
            return job.run(work)

        future = self._thread.submit(begin)
        finished = asyncio.wrap_future(future)
        client = asyncio.create_task(gone)
        turn = asyncio.create_task(begun.wait())
        try:
            await _first({finished, client, turn}, self._max_wait)
            if future.cancel():
                self._explain(client.done())
            await _first({finished, client})
            if not finished.done():
                job.stop()
                await _first({finished})
            result = finished.result()
            self._usual_seconds += 0.2 * (job.seconds - self._usual_seconds)
            return result
        finally:
            job.stop()
            client.cancel()
            turn.cancel()

    def close(self) -> None:
        """Ends the thread when it has done what it does."""
        self._thread.shutdown(cancel_futures=True)

    def _until_free(self) -> int:
        """Seconds until the last in the queue will be done, about."""
        return max(1, math.ceil(self._taken * self._usual_seconds))

    def _explain(self, gone: bool) -> None:
        if gone:
            raise ClientGoneError
        raise RefusalError(
            503,
            f"its turn did not come within {self._max_wait:g} seconds; try again later",
            retry_after=self._until_free(),
        )


async def _first(tasks: set[asyncio.Future[Any]], timeout: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
