"""The loop: who runs when, and what is made of the times."""

from __future__ import annotations

import gc
import itertools
import time

import numpy as np
import pytest

from inpaint_eval import timing
from inpaint_eval.timing import (
    Interval,
    Turns,
    bootstrap_mean,
    bootstrap_median,
    ratio_of_turns,
    spread_turns,
    take_turns,
    time_calls,
    time_in_turns,
    warm_up,
)


def test_candidates_take_turns_and_begin_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inpaint_eval.timing.SETTLE_SECONDS", 0.0)
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


class Clock:
    """In place of the module time, so that a busy machine changes nothing."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def perf_counter(self) -> float:
        return self.now

    def perf_counter_ns(self) -> int:
        return round(1e9 * self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def test_warm_up_waits_for_a_clock_that_speeds_up(clock: Clock) -> None:
    """Each call is a tenth shorter than the one before, for twenty calls."""
    calls = itertools.count()
    found, milliseconds = warm_up(
        lambda: clock.sleep(0.05 * 0.9 ** min(20, next(calls))), least_seconds=0, most_seconds=10
    )
    assert found.settled
    assert found.calls > 20
    assert milliseconds < 25


def test_warm_up_gives_up_in_time(clock: Clock) -> None:
    durations = iter(range(1, 1000))
    found, _ = warm_up(lambda: clock.sleep(next(durations) * 2e-3), most_seconds=0.3)
    assert not found.settled
    assert 0.3 <= found.seconds < 0.35
    assert warm_up(lambda: clock.sleep(0.05), most_seconds=0)[0].calls == 1


def test_a_machine_that_slows_down_changes_no_ratio(rng: np.random.Generator) -> None:
    """Blocks 10 to 29 run at a third of the speed; one candidate has only every other turn."""
    speed = np.where((np.arange(40) >= 10) & (np.arange(40) < 30), 3.0, 1.0)
    mine = [list(10 * s * rng.normal(1, 0.02, 5)) for s in speed]
    theirs = [list(5 * s * rng.normal(1, 0.02, 5)) for s in speed]
    turns = {"mine": Turns(list(range(40)), mine), "theirs": Turns([*range(0, 40, 2)], theirs[::2])}
    found = ratio_of_turns(turns, "mine", "theirs")
    assert found is not None
    assert (found.of, found.to, found.blocks) == ("mine", "theirs", 20)
    assert found.ratio.low <= 2.0 <= found.ratio.high
    assert found.ratio.high - found.ratio.low < 0.1
    turns = {"a": Turns([0], [[1.0]]), "b": Turns([1], [[1.0]])}
    assert ratio_of_turns(turns, "a", "b") is None


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


def test_slow_candidates_have_fewer_turns_spread_evenly() -> None:
    assert spread_turns(12, 0.1, 30) == frozenset(range(12))
    assert spread_turns(12, 1.0, 4) == {0, 3, 6, 9}
    assert spread_turns(12, 100.0, 1) == {0, 4, 8}  # three at least


def test_candidates_are_timed_side_by_side() -> None:
    work = {"slow": lambda: time.sleep(4e-3), "fast": lambda: time.sleep(1e-3)}
    turns = time_in_turns(work, blocks=4, turn_seconds=0.02, warmup_seconds=0.1)
    assert turns["slow"].blocks == turns["fast"].blocks == [0, 1, 2, 3]
    assert len(turns["slow"].calls) < len(turns["fast"].calls)
    assert 1.0 <= turns["fast"].p50 < 4.0 <= turns["slow"].p50
    ratio = ratio_of_turns(turns, "slow", "fast")
    assert ratio is not None
    assert 1.5 < ratio.ratio.value < 5


def test_an_interval_holds_its_value() -> None:
    assert str(Interval(2.0, 1.5, 2.5)) == "2 (1.5 to 2.5)"
    with pytest.raises(ValueError, match=r"3.0 is not from 1.5 to 2.5"):
        Interval(3.0, 1.5, 2.5)
