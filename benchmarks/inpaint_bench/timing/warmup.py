"""Calls before the first that counts: until clocks, caches and compilers have settled."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from inpaint_bench.timing.blocks import time_calls

WINDOW = 5
"""Calls whose median is compared with that of as many before."""

TOLERANCE = 0.05


@dataclass(frozen=True)
class Settled:
    """calls, seconds: spent. settled: before the time ran out. milliseconds: of a call at last."""

    calls: int
    seconds: float
    settled: bool
    milliseconds: float


def warm_up(
    call: Callable[[], object], *, least_seconds: float = 0.3, most_seconds: float
) -> Settled:
    """Calls until two windows' medians differ by less than 5 %, or the time is over.

    A slow clock speeds up within tenths of a second, so there are ``least_seconds`` of calls,
    unless one call alone takes ``most_seconds``.
    """
    started = time.perf_counter()
    times: list[float] = []
    while True:
        times += time_calls(call, 1)
        seconds = time.perf_counter() - started
        settled = seconds >= min(least_seconds, most_seconds) and _alike(times)
        if settled or seconds >= most_seconds:
            last = statistics.median(times[-WINDOW:])
            return Settled(len(times), round(seconds, 3), settled, last)


def _alike(times: list[float]) -> bool:
    if len(times) < 2 * WINDOW:
        return False
    last = statistics.median(times[-WINDOW:])
    before = statistics.median(times[-2 * WINDOW : -WINDOW])
    return abs(last - before) <= TOLERANCE * before
