"""Timing candidates side by side, so that a machine that drifts is fair to all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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


def interleaved(
    work: Mapping[str, Callable[[], object]], *, rounds: int, warmup: int
) -> dict[str, list[float]]:
    """Runs every piece of work once a round, in turn; returns each one's run times in seconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for index in range(warmup + rounds):
        for name, run in work.items():
            started = time.perf_counter()
            run()
            if index >= warmup:
                times[name].append(time.perf_counter() - started)
    return times


def ratio_interval(
    ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0, resamples: int = 2000
) -> tuple[float, float, float]:
    """The ratio of two medians and its 95 % confidence interval, by bootstrap over rounds.

    Both hold one time for each (picture, round), in the same order.
    """
    a: NDArray[np.float64] = np.asarray(ours)
    b: NDArray[np.float64] = np.asarray(theirs)
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(a), (resamples, len(a)))
    ratios = np.median(a[picks], axis=1) / np.median(b[picks], axis=1)
    low, high = (float(v) for v in np.percentile(ratios, (2.5, 97.5)))
    return float(np.median(a) / np.median(b)), low, high
