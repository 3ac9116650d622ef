"""All cases of a plan, written after each, so that a run can be interrupted and resumed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from inpaint_bench.errors import BenchError
from inpaint_bench.run.case import measure_case
from inpaint_bench.run.files import file_ids
from inpaint_bench.run.frames import make_frames
from inpaint_bench.schema.document import FORMAT_VERSION
from inpaint_bench.schema.files import read_result, write_result
from inpaint_bench.schema.run import CaseKey, Overhead, RunPlan, RunResult, Size
from inpaint_eval.machine import read_machine
from inpaint_eval.timing import Turns, take_turns


def now() -> str:
    """UTC, ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def cases_of(plan: RunPlan) -> Iterator[CaseKey]:
    """Every combination, the slowest to change first."""
    sizes: Sequence[Size | None] = plan.sizes or [None]
    for threads, batch, scope, size, holes in itertools.product(
        plan.threads, plan.batches, plan.scopes, sizes, plan.holes
    ):
        yield CaseKey(scope=scope, size=size, holes=holes, batch=batch, threads=threads)


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
        FileNotFoundError, ValueError: as :func:`inpaint_bench.run.frames.make_frames` does.
        KeyboardInterrupt: the cases that were finished are in ``output``.
    """
    result = _begin(plan, output, remarks)
    cases = list(cases_of(plan))
    missing = [case for case in cases if case not in {done.key for done in result.cases}]
    if len(missing) < len(cases):
        tell(f"resumed: {len(cases) - len(missing)} of {len(cases)} cases are in {output} already")
    steps = len(plan.candidates) + plan.protocol.blocks
    with tqdm(total=len(missing) * steps, unit="step", smoothing=0.05, disable=None) as bar:
        for case in missing:
            bar.set_description(str(case))
            frames = make_frames(case, plan.frames, pictures, masks)

            def step(done: str) -> None:
                bar.set_postfix_str(done, refresh=False)
                bar.update()

            measured = measure_case(case, plan.candidates, frames, plan.protocol, step)
            done = [*result.cases, measured]
            result = result.model_copy(
                update={
                    "cases": done,
                    "finished": now(),
                    "complete": len(done) == len(cases),
                }
            )
            write_result(result, output)
    return result


def _begin(plan: RunPlan, output: Path, remarks: str) -> RunResult:
    machine = read_machine()
    files = file_ids(plan.candidates)
    if output.exists():
        before = read_result(output)
        if not isinstance(before, RunResult) or before.plan != plan:
            raise BenchError(f"{output} holds something else; choose another --output or delete it")
        if before.complete:
            raise BenchError(f"{output} is complete; choose another --output or delete it")
        differing = before.machine.differences(machine)
        if before.files != files:
            differing.append("model files")
        if differing:
            raise BenchError(
                f"{output} was begun with other {', '.join(differing)}; results of the two do not "
                "belong together. Choose another --output or delete it"
            )
        return before
    return RunResult(
        format="inpaint-bench",
        format_version=FORMAT_VERSION,
        kind="run",
        started=now(),
        finished=now(),
        machine=machine,
        remarks=remarks,
        plan=plan,
        files=files,
        overhead=measure_overhead(),
        cases=[],
        complete=False,
    )


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
