"""Work on a stream of items in threads, a few items ahead, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch_map(
    work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int, workers: int = 1
) -> Generator[Result, None, None]:
    """Yields ``work(item)`` for each item, in order, computed up to ``ahead`` items early.

    Items are taken in the caller's thread, only as results are, so that nothing piles up. What
    ``work`` raises is raised where its result would be. When the caller stops early, what was not
    begun is dropped and what was begun is waited for.

    >>> list(prefetch_map(len, ["a", "bb", "ccc"], ahead=2))
    [1, 2, 3]
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="inpaint")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
