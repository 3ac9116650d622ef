"""The speed benchmark: all cases of a plan, each written when it is done, so that it can go on.

In a case, every candidate is loaded and called alone at first, then all of them in turn.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_bench.energy import Gauge
from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Executor, Frame, Order, find_model, open_executor
from inpaint_bench.isolated import run_isolated
from inpaint_bench.machine_state import StateReader
from inpaint_bench.schema import resume, write_result
from inpaint_bench.schema.common import CandidateKey, FileId, Size, State, Times
from inpaint_bench.schema.results import (
    Case,
    CaseKey,
    Energy,
    Loading,
    Overhead,
    Protocol,
    Row,
    RunPlan,
    RunResult,
)
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.machine.memory import memory_rise_mb
from inpaint_eval.machine.nvml import process_mb
from inpaint_eval.pictures import Ratio, Sample, assign, hole_ratio
from inpaint_eval.scores import Pixels
from inpaint_eval.timing import TurnPlan, Turns, plan_turns, ratios_of_turns, take_turns, time_calls
from inpaint_sdk import InpaintError

STATE_EVERY = 5
"""Blocks between two looks at the machine's state."""

Step = Callable[[str], None]
"""Told what was done, for the progress bar."""


def run(
    plan: RunPlan,
    output: Path,
    *,
    pictures: Path | None = None,
    masks: Path | None = None,
    remarks: str = "",
    tell: Callable[[str], None] = print,
) -> RunResult:
    """Measures what is missing of a plan in ``output``, and writes it there after every case.

    Raises:
        BenchError: ``output`` holds something else, is complete, or was begun on another machine.
        FileNotFoundError, ValueError: as :func:`make_frames` does.
        KeyboardInterrupt: the cases that were finished are in ``output``.
    """
    fresh = RunResult.begin(
        remarks,
        kind="run",
        plan=plan,
        files=file_ids(plan.candidates),
        overhead=measure_overhead(),
        cases=[],
        complete=False,
    )
    result = resume(output, fresh, same=("plan",))
    cases = list(cases_of(plan))
    missing = [case for case in cases if case not in {done.key for done in result.cases}]
    if len(missing) < len(cases):
        tell(f"resumed: {len(cases) - len(missing)} of {len(cases)} cases are in {output} already")
    steps = len(plan.candidates) + plan.protocol.blocks
    with tqdm(total=len(missing) * steps, unit="step", smoothing=0.05, disable=None) as bar:

        def step(done: str) -> None:
            bar.set_postfix_str(done, refresh=False)
            bar.update()

        for case in missing:
            bar.set_description(str(case))
            frames = make_frames(case, plan.frames, pictures, masks)
            measured = measure_case(case, plan.candidates, frames, plan.protocol, step)
            done = [*result.cases, measured]
            result = result.with_more(cases=done, complete=len(done) == len(cases))
            write_result(result, output)
    return result


def cases_of(plan: RunPlan) -> Iterator[CaseKey]:
    """Every combination, the slowest to change first."""
    sizes: Sequence[Size | None] = plan.sizes or [None]
    for threads, batch, scope, size, holes in itertools.product(
        plan.threads, plan.batches, plan.scopes, sizes, plan.holes
    ):
        yield CaseKey(scope=scope, size=size, holes=holes, batch=batch, threads=threads)


def measure_overhead(calls: int = 2000) -> Overhead:
    """What the loop itself adds to a call: times one that does nothing."""
    turns = {"nothing": Turns()}
    for block in range(3):
        take_turns({"nothing": lambda: None}, {"nothing": calls}, block, turns)
    p50, p99 = (1e3 * float(v) for v in np.percentile(turns["nothing"].calls, (50, 99)))
    return Overhead(
        p50_microseconds=round(p50, 3),
        p99_microseconds=round(p99, 3),
        share_of_5_ms=round(p50 / 5e3, 6),
    )


def file_ids(candidates: Iterable[CandidateKey]) -> dict[str, FileId]:
    """The files of the candidates that have one, by label; those that cannot be found have none."""
    found = {}
    for candidate in (c for c in candidates if c.kind != "peer"):
        try:
            onnx = candidate.kind == "onnx"
            path = Path(candidate.source) if onnx else find_model(candidate).path
            data = path.read_bytes()
        except (CannotRunError, OSError):
            continue
        digest = hashlib.sha256(data).hexdigest()
        found[candidate.label] = FileId(name=path.name, bytes=len(data), sha256=digest)
    return found


def make_frames(
    case: CaseKey, count: int | None, pictures: Path | None, masks: Path | None
) -> list[Frame]:
    """Frames of a case: of folders, or drawn, which are the same on every machine.

    count: of frames; None for one that is drawn, or for as many as there are pictures. A batch is
    made of as many pictures, the next ones, from the first again after the last.

    Raises:
        FileNotFoundError, ValueError: as :func:`inpaint_eval.pictures.assign` raises them, and if
            pictures of different sizes should be in one batch.
    """
    ratio = Ratio.parse(case.holes)
    if pictures is None or masks is None:
        assert case.size is not None
        wanted = (count or 1) * case.batch
        pairs = [
            (draw_picture(*case.size, seed), draw_mask("strokes", *case.size, ratio, seed))
            for seed in range(wanted)
        ]
    else:
        pairs = [_sized(s, case.size) for s in islice(assign(pictures, masks, ratio), count)]
        pairs = pairs * case.batch if case.batch > len(pairs) else pairs
    starts = range(0, len(pairs) - case.batch + 1, case.batch)
    parts = [pairs[start : start + case.batch] for start in starts]
    if any(len({mask.shape for _, mask in part}) > 1 for part in parts):
        raise ValueError("pictures of one batch are of one size; give --sizes")
    return [Frame(*zip(*part, strict=True)) for part in parts]


def digest(arrays: Iterable[Pixels]) -> str:
    """SHA-256 of pictures and masks, one after the other."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(array.tobytes())
    return found.hexdigest()


def _sized(sample: Sample, size: tuple[int, int] | None) -> tuple[Pixels, Pixels]:
    if size is None:
        return sample.picture, sample.mask
    target = size[::-1]
    picture = cv2.resize(sample.picture, target, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(sample.mask, target, interpolation=cv2.INTER_NEAREST)
    return picture.astype(np.uint8), mask.astype(np.uint8)


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
            loading = run_isolated(load_alone, order, frames[0], timeout=protocol.timeout)
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
    turns = {name: item.turns for name, item in live.items()}
    return Case(
        key=key,
        pictures=len(frames) * key.batch,
        hole_percent=round(float(np.mean([hole_ratio(m) for f in frames for m in f.masks])), 3),
        input_sha256=digest(array for f in frames for array in (*f.pictures, *f.masks)),
        rows=rows,
        ratios=ratios_of_turns(turns, itertools.combinations(turns, 2)),  # earlier to later
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

    def call(label: str, block: int) -> None:
        item = live[label]
        try:
            if label not in failed:
                item.executor.infer(item.fed[block % len(item.fed)])
        except Exception as error:
            failed[label] = f"in block {block + 1}, {type(error).__name__}: {error}"

    for block in range(blocks):
        take_turns(
            {label: partial(call, label, block) for label in live},
            {n: i.plan.calls if block in i.plan.blocks else 0 for n, i in live.items()},
            block,
            {label: item.turns for label, item in live.items()},
        )
        for label in live.keys() & failed:
            del live[label]
        if block % STATE_EVERY == STATE_EVERY - 1:
            seen.append(states.read())
        step(f"block {block + 1} of {blocks}")


def _measure_energy(live: dict[str, _Live], key: CaseKey, protocol: Protocol) -> None:
    gauges: dict[bool, Gauge] = {}
    for item in live.values():
        gpu = item.executor.gpu
        if gpu not in gauges:
            gauges[gpu] = Gauge(gpu=gpu, seconds=protocol.energy_seconds)
        call = partial(item.executor.infer, item.fed[0])
        try:
            item.energy, item.energy_reason = gauges[gpu].measure(call, key.batch)
        except Exception as error:  # as above
            item.energy_reason = f"the measurement failed: {type(error).__name__}: {error}"


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


def load_alone(order: Order, frame: Frame) -> Loading:
    """What loading a candidate in this process takes, its first call, and the memory of three.

    It runs in a process of its own: one that crashes, hangs or runs out of memory does so there.
    """
    executor = open_executor(order)
    milliseconds: list[float] = []
    results: list[Any] = []

    def work() -> None:
        milliseconds.extend(time_calls(executor.load, 1))
        fed = executor.feed(frame)
        milliseconds.extend(time_calls(lambda: results.append(executor.infer(fed)), 1))
        time_calls(lambda: executor.infer(fed), 2)

    rise = memory_rise_mb(work)
    return Loading(
        load_ms=round(milliseconds[0], 3),
        first_call_ms=round(milliseconds[1], 3),
        host_peak_mb=None if rise is None else round(rise, 3),
        device_peak_mb=process_mb(os.getpid()) if executor.gpu else None,
        output_sha256=digest(executor.pictures(results[0])),
        notes=executor.notes,
    )
