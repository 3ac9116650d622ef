"""One case: every candidate under the same circumstances, in turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from inpaint_bench.energy import Gauge
from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Executor, Frame, Order, open_executor
from inpaint_bench.frames import digest, mean_hole_percent
from inpaint_bench.machine_state import StateReader
from inpaint_bench.probe import probe
from inpaint_bench.schema.common import CandidateKey, State, Times
from inpaint_bench.schema.run import Case, CaseKey, Energy, Loading, Protocol, Row
from inpaint_eval.timing import Ratio, TurnPlan, Turns, plan_turns, ratio_of_turns, take_turns
from inpaint_sdk import InpaintError

STATE_EVERY = 5
"""Blocks between two looks at the machine's state."""

Step = Callable[[str], None]
"""Told what was done, for the progress bar."""


class _FailedError(Exception):
    """A candidate failed while it was measured; its cause is what it raised."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


@dataclass
class _Live:
    """A candidate that is loaded in this process. fed: what its calls get, by frame."""

    loading: Loading
    executor: Executor
    fed: list[object]
    plan: TurnPlan
    turns: Turns = field(default_factory=Turns)
    energy: Energy | None = None
    energy_reason: str | None = None


def measure_case(
    key: CaseKey,
    candidates: Sequence[CandidateKey],
    frames: Sequence[Frame],
    protocol: Protocol,
    step: Step,
) -> Case:
    """Measures all candidates. One that fails is a row with its reason."""
    states = StateReader()
    seen = [states.read()]
    failed: dict[str, str] = {}
    live: dict[str, _Live] = {}
    for candidate in candidates:
        order = Order(candidate, key.scope, key.threads, key.batch)
        try:
            loading = probe(order, frames[0], protocol.timeout)
            live[candidate.label] = _open(order, loading, frames, protocol)
        except (CannotRunError, InpaintError) as error:
            failed[candidate.label] = str(error)
        except Exception as error:  # runtimes raise anything; each is a reason
            failed[candidate.label] = f"{type(error).__name__}: {error}"
        step(candidate.label)
    _take_blocks(live, failed, protocol.blocks, states, seen, step)
    _measure_energy(live, key, protocol)
    seen.append(states.read())
    rows = [
        Row(candidate=c.label, status="failed", reason=failed[c.label])
        if c.label in failed
        else _row(c.label, live[c.label], key)
        for c in candidates
    ]
    return Case(
        key=key,
        pictures=len(frames) * key.batch,
        hole_percent=mean_hole_percent(frames),
        input_sha256=digest(frames),
        rows=rows,
        ratios=_ratios(live),
        states=seen,
    )


def _open(order: Order, loading: Loading, frames: Sequence[Frame], protocol: Protocol) -> _Live:
    executor = open_executor(order)
    executor.load()
    fed = [executor.feed(frame) for frame in frames]
    plan = plan_turns(
        lambda: executor.infer(fed[0]),
        protocol.blocks,
        protocol.turn_seconds,
        protocol.candidate_seconds,
        protocol.warmup_seconds,
    )
    return _Live(loading, executor, fed, plan)


def _take_blocks(
    live: dict[str, _Live],
    failed: dict[str, str],
    blocks: int,
    states: StateReader,
    seen: list[State],
    step: Step,
) -> None:
    """A candidate that fails on the way has no more turns; it goes from ``live`` to ``failed``."""
    for block in range(blocks):
        try:
            take_turns(
                {name: _call(name, item, block) for name, item in live.items()},
                {n: i.plan.calls if block in i.plan.blocks else 0 for n, i in live.items()},
                block,
                {name: item.turns for name, item in live.items()},
            )
        except _FailedError as error:
            cause = error.__cause__
            failed[error.label] = f"in block {block + 1}, {type(cause).__name__}: {cause}"
            del live[error.label]
        if block % STATE_EVERY == STATE_EVERY - 1:
            seen.append(states.read())
        step(f"block {block + 1} of {blocks}")


def _call(label: str, item: _Live, block: int) -> Callable[[], object]:
    infer, fed = item.executor.infer, item.fed[block % len(item.fed)]

    def call() -> object:
        try:
            return infer(fed)
        except Exception as error:
            raise _FailedError(label) from error

    return call


def _measure_energy(live: dict[str, _Live], key: CaseKey, protocol: Protocol) -> None:
    gauges: dict[bool, Gauge] = {}
    for label, item in live.items():
        gpu = item.executor.gpu
        if gpu not in gauges:
            gauges[gpu] = Gauge(gpu=gpu, seconds=protocol.energy_seconds)
        try:
            item.energy, item.energy_reason = gauges[gpu].measure(_call(label, item, 0), key.batch)
        except (_FailedError, OSError) as error:
            item.energy_reason = f"the measurement failed: {error.__cause__ or error}"


def _row(label: str, item: _Live, key: CaseKey) -> Row:
    times = Times.of(item.turns)
    return Row(
        candidate=label,
        status="measured",
        **vars(item.loading),
        warmup=item.plan.warmup,
        times=times,
        pictures_per_second=round(1e3 * key.batch / times.p50, 3),
        energy=item.energy,
        energy_reason=item.energy_reason,
    )


def _ratios(live: dict[str, _Live]) -> list[Ratio]:
    """Of every two candidates, the earlier to the later."""
    turns = {name: item.turns for name, item in live.items()}
    found = (ratio_of_turns(turns, *pair) for pair in itertools.combinations(turns, 2))
    return [ratio for ratio in found if ratio is not None]
