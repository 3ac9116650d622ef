"""The speed benchmark: all cases of a plan, each written when it is done, so that it can go on.

In a case, every candidate is loaded and called alone at first, then all of them in turn.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from inpaint_bench.energy import Gauge
from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Frame, Order, find_model, open_executor, resized
from inpaint_bench.isolated import run_isolated
from inpaint_bench.machine_state import StateReader
from inpaint_bench.schema import results, resume, write_result
from inpaint_bench.schema.common import CandidateKey, FileId, Size, Times, percentiles
from inpaint_eval import timing
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.machine.memory import memory_rise_mb
from inpaint_eval.machine.nvml import process_mb
from inpaint_eval.pictures import Ratio, assign, hole_ratio
from inpaint_eval.scores import Pixels
from inpaint_sdk import InpaintError

STATE_EVERY = 5
"""Blocks between two looks at the machine's state."""


def run(
    plan: results.RunPlan,
    output: Path,
    *,
    pictures: Path | None = None,
    masks: Path | None = None,
    remarks: str = "",
) -> results.RunResult:
    """Measures what is missing of a plan in ``output``, and writes it there after every case.

    Raises:
        BenchError: ``output`` holds something else, is complete, or was begun on another machine.
        FileNotFoundError, ValueError: as :func:`make_frames` does.
        KeyboardInterrupt: the cases that were finished are in ``output``.
    """
    fresh = results.RunResult.begin(
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
    done = [case.key for case in result.cases]
    if done:
        tqdm.write(f"resumed: {len(done)} of {len(cases)} cases are in {output} already")
    for case in (key for key in cases if key not in done):
        frames = make_frames(case, plan.frames, pictures, masks)
        measured = measure_case(case, plan.candidates, frames, plan.protocol)
        all_done = [*result.cases, measured]
        result = result.with_more(cases=all_done, complete=len(all_done) == len(cases))
        write_result(result, output)
    return result


def cases_of(plan: results.RunPlan) -> Iterator[results.CaseKey]:
    """Every combination, the slowest to change first."""
    sizes: Sequence[Size | None] = plan.sizes or [None]
    for threads, batch, scope, size, holes in itertools.product(
        plan.threads, plan.batches, plan.scopes, sizes, plan.holes
    ):
        yield results.CaseKey(scope=scope, size=size, holes=holes, batch=batch, threads=threads)


def measure_overhead() -> results.Overhead:
    """What the loop itself adds to a call: times one that does nothing."""
    turns = timing.time_in_turns({"nothing": lambda: None}, blocks=3)["nothing"]
    found = percentiles([1e3 * milliseconds for milliseconds in turns.calls])
    return results.Overhead(
        p50_microseconds=found["p50"],
        p99_microseconds=found["p99"],
        share_of_5_ms=round(found["p50"] / 5e3, 6),
    )


def file_ids(candidates: Iterable[CandidateKey]) -> dict[str, FileId]:
    """The files of the candidates that have one, by label; those that cannot be found have none."""
    found = {}
    for c in (c for c in candidates if c.kind != "peer"):
        try:
            path = Path(c.source) if c.kind == "onnx" else find_model(c).path
            data = path.read_bytes()
        except (InpaintError, OSError):
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        found[c.label] = FileId(name=path.name, bytes=len(data), sha256=sha256)
    return found


def make_frames(
    case: results.CaseKey, count: int | None, pictures: Path | None, masks: Path | None
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
        pairs = [
            (draw_picture(*case.size, seed), draw_mask("strokes", *case.size, ratio, seed))
            for seed in range((count or 1) * case.batch)
        ]
    else:
        samples = islice(assign(pictures, masks, ratio), count)
        pairs = [(s.picture, s.mask) for s in samples]
        if case.size is not None:
            pairs = [resized(*pair, case.size) for pair in pairs]
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


class _Live:
    """A candidate: loaded alone in a process of its own, and then in this one, to be timed."""

    def __init__(self, order: Order, frames: Sequence[Frame], protocol: results.Protocol) -> None:
        self.loading = run_isolated(load_alone, order, frames[0], timeout=protocol.timeout)
        self.executor = open_executor(order)
        self.fed = [self.executor.feed(frame) for frame in frames]
        self.turns = timing.Turns()
        self.plan = timing.plan_turns(
            self.call,
            protocol.blocks,
            protocol.turn_seconds,
            protocol.candidate_seconds,
            protocol.warmup_seconds,
        )

    def call(self, block: int = 0) -> None:
        self.executor.infer(self.fed[block % len(self.fed)])

    def row(self, label: str, gauge: Gauge, batch: int) -> results.Row:
        times = Times.of(self.turns)
        energy, reason = gauge.measure(self.call, batch)
        return results.Row(
            candidate=label,
            status="measured",
            **vars(self.loading),
            warmup=self.plan.warmup,
            times=times,
            pictures_per_second=round(1e3 * batch / times.p50, 3),
            energy=energy,
            energy_reason=reason,
        )


def measure_case(
    key: results.CaseKey,
    candidates: Sequence[CandidateKey],
    frames: Sequence[Frame],
    protocol: results.Protocol,
) -> results.Case:
    """Measures all candidates. One that fails is a row with its reason."""
    states = StateReader()
    seen = [states.read()]
    failed: dict[str, str] = {}
    live: dict[str, _Live] = {}
    for candidate in tqdm(candidates, desc=f"loading: {key}", unit="candidate", disable=None):
        order = Order(candidate, key.scope, key.threads, key.batch)
        try:
            live[candidate.label] = _Live(order, frames, protocol)
        except CannotRunError as error:
            failed[candidate.label] = str(error)
        except Exception as error:  # runtimes raise anything; each is a reason
            failed[candidate.label] = f"{type(error).__name__}: {error}"
    for block in tqdm(range(protocol.blocks), desc=str(key), unit="block", disable=None):
        _take_block(block, live, failed)
        if block % STATE_EVERY == STATE_EVERY - 1:
            seen.append(states.read())
    gauges = {
        gpu: Gauge(gpu=gpu, seconds=protocol.energy_seconds)
        for gpu in {item.executor.gpu for item in live.values()}
    }
    measured = {n: i.row(n, gauges[i.executor.gpu], key.batch) for n, i in live.items()}
    seen.append(states.read())
    rows = [
        measured.get(c.label)
        or results.Row(candidate=c.label, status="failed", reason=failed[c.label])
        for c in candidates
    ]
    turns = {name: item.turns for name, item in live.items()}
    return results.Case(
        key=key,
        pictures=len(frames) * key.batch,
        hole_percent=round(float(np.mean([hole_ratio(m) for f in frames for m in f.masks])), 3),
        input_sha256=digest(array for f in frames for array in (*f.pictures, *f.masks)),
        rows=rows,
        ratios=timing.ratios_of_turns(turns, itertools.combinations(turns, 2)),  # earlier to later
        states=seen,
    )


def _take_block(block: int, live: dict[str, _Live], failed: dict[str, str]) -> None:
    """A candidate that fails on the way has no more turns; it goes from ``live`` to ``failed``."""

    def call(label: str) -> None:
        try:
            if label not in failed:
                live[label].call(block)
        except Exception as error:
            failed[label] = f"in block {block + 1}, {type(error).__name__}: {error}"

    timing.take_turns(
        {label: partial(call, label) for label in live},
        {n: i.plan.calls if block in i.plan.blocks else 0 for n, i in live.items()},
        block,
        {label: item.turns for label, item in live.items()},
    )
    for label in live.keys() & failed:
        del live[label]


def load_alone(order: Order, frame: Frame) -> results.Loading:
    """What loading a candidate in this process takes, its first call, and the memory of three.

    It runs in a process of its own: one that crashes, hangs or runs out of memory does so there.
    """
    times: list[float] = []
    found: list[Any] = []

    def work() -> None:
        times.extend(timing.time_calls(lambda: found.append(open_executor(order)), 1))
        fed = found[0].feed(frame)
        times.extend(timing.time_calls(lambda: found.append(found[0].infer(fed)), 1))
        timing.time_calls(lambda: found[0].infer(fed), 2)

    rise = memory_rise_mb(work)
    executor, result = found
    return results.Loading(
        load_ms=round(times[0], 3),
        first_call_ms=round(times[1], 3),
        host_peak_mb=None if rise is None else round(rise, 3),
        device_peak_mb=process_mb(os.getpid()) if executor.gpu else None,
        output_sha256=digest(executor.pictures(result)),
        notes=executor.notes,
    )
