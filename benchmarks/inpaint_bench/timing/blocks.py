"""The loop that times: blocks, in which every candidate has a turn of several calls."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

SETTLE_SECONDS = 0.02
"""Untimed calls at a turn's start, at least one: caches are the last candidate's, and threads of
its pool may still wait actively for more work."""


@dataclass
class Turns:
    """What one candidate's turns gave: milliseconds of each call, and the block of each turn."""

    blocks: list[int] = field(default_factory=list)
    turns: list[list[float]] = field(default_factory=list)


def time_calls(call: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of ``count`` calls, one after the other."""
    clock = time.perf_counter_ns
    times = []
    for _ in range(count):
        started = clock()
        call()
        times.append((clock() - started) / 1e6)
    return times


def spread_turns(blocks: int, turn_seconds: float, seconds: float) -> frozenset[int]:
    """In which blocks a candidate has a turn: in all, or in as many as its time allows, evenly."""
    count = max(3, min(blocks, int(seconds / turn_seconds)))
    return frozenset(index * blocks // count for index in range(count))


def take_turns(
    work: Mapping[str, Callable[[], object]],
    calls: Mapping[str, int],
    block: int,
    into: Mapping[str, Turns],
) -> None:
    """One block: every candidate in turn, starting with another one in each block.

    calls: how many are timed; a candidate with none has no turn in this block.
    """
    names = [name for name in work if calls[name]]
    start = block % len(names) if names else 0
    for name in names[start:] + names[:start]:
        with _undisturbed():
            _settle(work[name])
            times = time_calls(work[name], calls[name])
        into[name].blocks.append(block)
        into[name].turns.append(times)


def interleaved(
    work: Mapping[str, Callable[[], object]], *, rounds: int, warmup: int
) -> dict[str, list[float]]:
    """Runs every piece of work once a round, in turn; returns each one's run times in seconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for index in range(warmup + rounds):
        for name, run in work.items():
            (milliseconds,) = time_calls(run, 1)
            if index >= warmup:
                times[name].append(milliseconds / 1e3)
    return times


def _settle(call: Callable[[], object]) -> None:
    started = time.perf_counter()
    call()
    while time.perf_counter() - started < SETTLE_SECONDS:
        call()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Python's collector does not run meanwhile."""
    gc.collect(0)
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
