"""From times to figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.schema.timing import CONFIDENCE, Interval

RESAMPLES = 4000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """Milliseconds: percentiles over all runs. runs: how many."""

    p50: float
    p90: float
    p99: float
    runs: int


def summarise(seconds: Sequence[float]) -> Timing:
    """Percentiles of run times given in seconds."""
    p50, p90, p99 = (float(v) for v in np.percentile(np.asarray(seconds) * 1e3, (50, 90, 99)))
    return Timing(p50, p90, p99, len(seconds))


def ratio_of_turns(
    of: tuple[Sequence[int], Sequence[Sequence[float]]],
    to: tuple[Sequence[int], Sequence[Sequence[float]]],
) -> tuple[Interval, int] | None:
    """How many times as long one candidate takes as another, and over how many blocks.

    Both are (blocks, turns). In each block where both had a turn, the medians of their turns make
    one ratio, so what slows the machine down for a while is in both; the estimate is the median of
    these ratios, its interval a bootstrap over blocks. None where they share no block.
    """
    mine = dict(zip(of[0], (float(np.median(turn)) for turn in of[1]), strict=True))
    theirs = dict(zip(to[0], (float(np.median(turn)) for turn in to[1]), strict=True))
    shared = sorted(mine.keys() & theirs.keys())
    if not shared:
        return None
    ratios = np.array([mine[block] / theirs[block] for block in shared])
    return bootstrap_median(ratios), len(shared)


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
    return Interval(value=value, low=min(low, value), high=max(high, value))
