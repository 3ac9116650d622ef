"""The loop: who runs when, and what is made of the times."""

from __future__ import annotations

import gc
import itertools
import time

import numpy as np
import pytest

from inpaint_bench.timing import (
    Turns,
    interleaved,
    measure_overhead,
    ratio_of_turns,
    summarise,
    take_turns,
    time_calls,
    warm_up,
)
from inpaint_bench.timing.statistics import bootstrap_mean, bootstrap_median


def test_candidates_take_turns_and_begin_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inpaint_bench.timing.blocks.SETTLE_SECONDS", 0.0)
    calls: list[str] = []
    work = {name: lambda n=name: calls.append(n) for name in "abc"}
    turns = {name: Turns() for name in work}
    for block in range(3):
        take_turns(work, {"a": 2, "b": 1, "c": 0 if block == 1 else 1}, block, turns)
    # One untimed call at each turn's start.
    assert "".join(calls) == "aaabbcc" + "bbaaa" + "ccaaabb"
    assert turns["c"].blocks == [0, 2]
    assert [len(turn) for turn in turns["a"].turns] == [2, 2, 2]


def test_the_collector_does_not_run_in_a_turn() -> None:
    seen: list[bool] = []
    turns = {"a": Turns()}
    take_turns({"a": lambda: seen.append(gc.isenabled())}, {"a": 1}, 0, turns)
    assert gc.isenabled()
    assert not any(seen)


def test_times_are_milliseconds() -> None:
    times = time_calls(lambda: time.sleep(0.01), 3)
    assert len(times) == 3
    assert min(times) >= 10
    assert min(times) < 100


def test_the_loop_adds_less_than_a_percent_to_a_call_of_5_ms() -> None:
    overhead = measure_overhead()
    assert 0 < overhead.share_of_5_ms < 0.01
    assert overhead.share_of_5_ms == pytest.approx(overhead.p50_microseconds / 5000, abs=1e-6)
    assert overhead.p50_microseconds <= overhead.p99_microseconds


def test_warm_up_waits_for_a_clock_that_speeds_up() -> None:
    """Each call is a tenth shorter than the one before, for twenty calls."""
    calls = itertools.count()
    found = warm_up(
        lambda: time.sleep(0.05 * 0.9 ** min(20, next(calls))), least_seconds=0, most_seconds=10
    )
    assert found.settled
    assert found.calls > 20
    assert found.milliseconds < 25


def test_warm_up_gives_up_in_time() -> None:
    durations = iter(range(1, 1000))
    found = warm_up(lambda: time.sleep(next(durations) * 2e-3), most_seconds=0.3)
    assert not found.settled
    assert 0.3 <= found.seconds < 1.5
    assert warm_up(lambda: time.sleep(0.05), most_seconds=0).calls == 1


def test_a_machine_that_slows_down_changes_no_ratio(rng: np.random.Generator) -> None:
    """Blocks 10 to 29 run at a third of the speed; one candidate has only every other turn."""
    speed = np.where((np.arange(40) >= 10) & (np.arange(40) < 30), 3.0, 1.0)
    mine = [list(10 * s * rng.normal(1, 0.02, 5)) for s in speed]
    theirs = [list(5 * s * rng.normal(1, 0.02, 5)) for s in speed]
    found = ratio_of_turns((range(40), mine), (range(0, 40, 2), theirs[::2]))
    assert found is not None
    interval, blocks = found
    assert blocks == 20
    assert interval.low <= 2.0 <= interval.high
    assert interval.high - interval.low < 0.1
    assert ratio_of_turns(([0], [[1.0]]), ([1], [[1.0]])) is None


def test_intervals_cover_as_often_as_they_say(rng: np.random.Generator) -> None:
    covered = {"median": 0, "mean": 0}
    for seed in range(200):
        values = rng.normal(3.0, 1.0, 30)
        for name, found in (
            ("median", bootstrap_median(values, seed)),
            ("mean", bootstrap_mean(values, seed)),
        ):
            covered[name] += found.low <= 3.0 <= found.high
    assert min(covered.values()) >= 190


def test_interleaved_and_summary() -> None:
    calls: list[str] = []
    work = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    times = interleaved(work, rounds=3, warmup=1)
    assert calls == ["a", "b"] * 4
    assert {name: len(t) for name, t in times.items()} == {"a": 3, "b": 3}
    timing = summarise([i / 1000 for i in range(1, 102)])
    assert (timing.p50, timing.p90, timing.p99, timing.runs) == pytest.approx((51, 91, 100, 101))
