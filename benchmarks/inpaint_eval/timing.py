"""Timing of candidates side by side, so that a machine that drifts is fair to all of them.

Time is cut into blocks. In each block every candidate has one turn of several calls, and another
candidate begins in the next block. Ratios of two candidates are taken block by block.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inpaint_eval.record import Record

Call = Callable[[], object]
Floats = NDArray[np.float64]

SETTLE_SECONDS = 0.02
"""Untimed calls at a turn's start, at least one: caches are the last candidate's, and threads of
its pool may still wait actively for more work."""

WARMUP_WINDOW = 5
"""Calls whose median is compared with that of as many before."""

WARMUP_TOLERANCE = 0.05

MAX_CALLS = 64
"""Of one turn."""

CONFIDENCE = 0.99
"""Of every interval. Two runs of one thing lie in one another's interval in 93 of 100 cases."""

RESAMPLES = 4000


@dataclass(frozen=True)
class Interval(Record):
    """An estimate and its interval, of :data:`CONFIDENCE`."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is not from {self.low} to {self.high}")

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Ratio(Record):
    """How many times as long ``of`` takes as ``to``, and over how many blocks that both had."""

    of: str
    to: str
    ratio: Interval
    blocks: int


@dataclass
class Turns:
    """A candidate's turns: milliseconds of each call, and the block of each turn."""

    blocks: list[int] = field(default_factory=list)
    turns: list[list[float]] = field(default_factory=list)

    @property
    def calls(self) -> list[float]:
        """Milliseconds of all calls."""
        return [t for turn in self.turns for t in turn]

    @property
    def p50(self) -> float:
        """Median of all calls, in milliseconds."""
        return float(np.median(self.calls))

    def medians(self) -> dict[int, float]:
        """Median of each block's turn, in milliseconds."""
        medians = (float(np.median(turn)) for turn in self.turns)
        return dict(zip(self.blocks, medians, strict=True))


@dataclass(frozen=True)
class Warmup(Record):
    """Calls before the first that counts.

    seconds: spent. settled: whether the last calls' median was within 5 % of that of those before.
    """

    calls: int
    seconds: float
    settled: bool


@dataclass(frozen=True)
class TurnPlan:
    """calls: of each turn. blocks: those in which the candidate has a turn."""

    warmup: Warmup
    calls: int
    blocks: frozenset[int]


def time_in_turns(
    work: Mapping[str, Call],
    *,
    blocks: int,
    turn_seconds: float = 0.1,
    candidate_seconds: float = 30.0,
    warmup_seconds: float = 3.0,
) -> dict[str, Turns]:
    """Warms every candidate up, and times them in turn.

    work: candidates by name. blocks: at least 3. turn_seconds: of timed calls in a turn, at least
    one. candidate_seconds: for one candidate; a slow one gets fewer turns, at least 3, spread
    evenly. warmup_seconds: at most, for each.
    """
    plans = {
        name: plan_turns(call, blocks, turn_seconds, candidate_seconds, warmup_seconds)
        for name, call in work.items()
    }
    turns = {name: Turns() for name in work}
    for block in range(blocks):
        calls = {n: plan.calls if block in plan.blocks else 0 for n, plan in plans.items()}
        take_turns(work, calls, block, turns)
    return turns


def plan_turns(
    call: Call, blocks: int, turn_seconds: float, candidate_seconds: float, warmup_seconds: float
) -> TurnPlan:
    """Warms a candidate up, and plans its turns; see :func:`time_in_turns`."""
    warmup, milliseconds = warm_up(call, most_seconds=warmup_seconds)
    seconds = max(milliseconds / 1e3, 1e-9)
    calls = max(1, min(MAX_CALLS, math.ceil(turn_seconds / seconds)))
    return TurnPlan(warmup, calls, spread_turns(blocks, (calls + 1) * seconds, candidate_seconds))


def spread_turns(blocks: int, turn_seconds: float, seconds: float) -> frozenset[int]:
    """Blocks in which a candidate has a turn: all, or as many as its time allows, evenly."""
    count = max(3, min(blocks, int(seconds / turn_seconds)))
    return frozenset(index * blocks // count for index in range(count))


def take_turns(
    work: Mapping[str, Call], calls: Mapping[str, int], block: int, into: Mapping[str, Turns]
) -> None:
    """One block: every candidate in turn, starting with another one in each block.

    calls: how many are timed; a candidate with none has no turn in this block.
    """
    names = [name for name in work if calls[name]]
    start = block % len(names) if names else 0
    for name in names[start:] + names[:start]:
        with _no_garbage_collection():
            _settle(work[name])
            times = time_calls(work[name], calls[name])
        into[name].blocks.append(block)
        into[name].turns.append(times)


def time_calls(call: Call, count: int) -> list[float]:
    """Milliseconds of ``count`` calls, one after the other."""
    clock = time.perf_counter_ns
    times = []
    for _ in range(count):
        started = clock()
        call()
        times.append((clock() - started) / 1e6)
    return times


def warm_up(call: Call, *, least_seconds: float = 0.3, most_seconds: float) -> tuple[Warmup, float]:
    """Calls until two windows' medians differ by less than 5 %, or the time is over.

    Returns the median of the last calls too, in milliseconds.

    A slow clock speeds up within tenths of a second, so there are ``least_seconds`` of calls,
    unless one call alone takes ``most_seconds``.
    """
    started = time.perf_counter()
    times: list[float] = []
    while True:
        times += time_calls(call, 1)
        seconds = time.perf_counter() - started
        settled = seconds >= min(least_seconds, most_seconds) and _has_settled(times)
        if settled or seconds >= most_seconds:
            last = statistics.median(times[-WARMUP_WINDOW:])
            return Warmup(len(times), round(seconds, 3), settled), last


def ratio_of_turns(turns: Mapping[str, Turns], of: str, to: str) -> Ratio | None:
    """How many times as long one candidate takes as another; None where they share no block.

    In each block where both had a turn, the medians of their turns make one ratio, so what slows
    the machine down for a while is in both; the estimate is the median of these ratios, its
    interval a bootstrap over blocks.
    """
    ratios = block_ratios(turns[of], turns[to])
    return Ratio(of, to, bootstrap_median(ratios), len(ratios)) if len(ratios) else None


def ratios_of_turns(turns: Mapping[str, Turns], pairs: Iterable[tuple[str, str]]) -> list[Ratio]:
    """The ratio of each pair, as :func:`ratio_of_turns`; none of those that share no block."""
    found = (ratio_of_turns(turns, *pair) for pair in pairs if turns.keys() >= set(pair))
    return [ratio for ratio in found if ratio is not None]


def block_ratios(of: Turns, to: Turns) -> Floats:
    """Medians of a candidate's turns over those of another's, in each block where both had one."""
    mine, theirs = of.medians(), to.medians()
    return np.array([mine[block] / theirs[block] for block in sorted(mine.keys() & theirs)])


def bootstrap_median(values: Sequence[float] | Floats, seed: int = 0) -> Interval:
    """The median, with a percentile interval of :data:`CONFIDENCE` over resampled values."""
    return _bootstrap(np.asarray(values, np.float64), seed, median=True)


def bootstrap_mean(values: Sequence[float] | Floats, seed: int = 0) -> Interval:
    """The mean, likewise."""
    return _bootstrap(np.asarray(values, np.float64), seed, median=False)


def _bootstrap(values: Floats, seed: int, *, median: bool) -> Interval:
    reduce = np.median if median else np.mean
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(values), (RESAMPLES, len(values)))
    found = reduce(values[picks], axis=1)
    tail = 50 * (1 - CONFIDENCE)
    low, high = (float(v) for v in np.percentile(found, (tail, 100 - tail)))
    value = float(reduce(values))
    return Interval(value, low=min(low, value), high=max(high, value))


def _has_settled(times: list[float]) -> bool:
    if len(times) < 2 * WARMUP_WINDOW:
        return False
    last = statistics.median(times[-WARMUP_WINDOW:])
    before = statistics.median(times[-2 * WARMUP_WINDOW : -WARMUP_WINDOW])
    return abs(last - before) <= WARMUP_TOLERANCE * before


def _settle(call: Call) -> None:
    started = time.perf_counter()
    call()
    while time.perf_counter() - started < SETTLE_SECONDS:
        call()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect(0)
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
