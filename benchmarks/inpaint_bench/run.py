"""The speed benchmark: all cases of a plan, each written when it is done, so that it can go on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from inpaint_bench.case import measure_case
from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import find_model
from inpaint_bench.frames import make_frames
from inpaint_bench.schema import resume, write_result
from inpaint_bench.schema.common import CandidateKey, FileId, Size
from inpaint_bench.schema.run import CaseKey, Overhead, RunPlan, RunResult
from inpaint_eval.timing import Turns, take_turns


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
        FileNotFoundError, ValueError: as :func:`inpaint_bench.frames.make_frames` does.
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
    for candidate in candidates:
        path = _path(candidate)
        if path is not None and path.is_file():
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            found[candidate.label] = FileId(name=path.name, bytes=len(data), sha256=digest)
    return found


def _path(candidate: CandidateKey) -> Path | None:
    if candidate.kind == "onnx":
        return Path(candidate.source)
    if candidate.kind == "peer":
        return None
    try:
        return find_model(candidate).path
    except CannotRunError:
        return None
