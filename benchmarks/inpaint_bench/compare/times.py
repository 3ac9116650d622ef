"""Times of two results: ``run`` and ``kernels``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.compare.finding import Comparison, Finding, Verdict
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.run import RunResult
from inpaint_bench.schema.timing import Times
from inpaint_eval.timing import Interval, bootstrap_median

Floats = NDArray[np.float64]

COPY = "copy"
"""What kernels are divided by."""


@dataclass(frozen=True)
class _Entry:
    """times: None where the candidate failed, with the reason. digest: of its first result."""

    times: Times | None
    reason: str | None = None
    digest: str | None = None


_Table = dict[tuple[str, str], _Entry]
"""By circumstances and candidate."""


def compare_runs(a: RunResult, b: RunResult, absolute: bool, tolerance: float) -> Comparison:
    """Every candidate in every case that both have."""
    tables = [_run_table(result) for result in (a, b)]
    in_common = [{c.label for c in r.plan.candidates if c.kind == "peer"} for r in (a, b)]
    peers = [c.label for c in a.plan.candidates if c.label in in_common[0] & in_common[1]]
    reference = None if absolute or not peers else peers[0]
    return _compare(tables[0], tables[1], reference, tolerance)


def compare_kernels(
    a: KernelsResult, b: KernelsResult, absolute: bool, tolerance: float
) -> Comparison:
    """Every kernel on every shape that both have."""
    tables = [_kernel_table(result) for result in (a, b)]
    return _compare(tables[0], tables[1], None if absolute else COPY, tolerance)


def _run_table(result: RunResult) -> _Table:
    return {
        (str(case.key), row.candidate): _Entry(row.times, row.reason, row.output_sha256)
        for case in result.cases
        for row in case.rows
    }


def _kernel_table(result: KernelsResult) -> _Table:
    return {
        ("x".join(map(str, entry.shape)), row.candidate): _Entry(row.times)
        for entry in result.shapes
        for row in entry.rows
    }


def _compare(a: _Table, b: _Table, reference: str | None, tolerance: float) -> Comparison:
    found = Comparison()
    if reference is None:
        found.notes.append("times as they are: a machine that was slower throughout counts")
    else:
        found.notes.append(f"times over {reference}'s, in the same blocks")
    for key in a:
        if key[1] == reference:
            continue
        if key not in b:
            found.unmatched.append(f"only in A: {key[0]}, {key[1]}")
            continue
        finding = _finding(key, a, b, reference, tolerance)
        if finding is not None:
            found.findings.append(finding)
    found.unmatched += [f"only in B: {key[0]}, {key[1]}" for key in b if key not in a]
    return found


def _finding(
    key: tuple[str, str], a: _Table, b: _Table, reference: str | None, tolerance: float
) -> Finding | None:
    one, other = a[key], b[key]
    figure = "time" if reference is None else f"time over {reference}"
    if one.times is None:
        return None
    if other.times is None:
        note = f"failed: {other.reason}"
        return Finding(*key, figure, one.times.p50, None, None, Verdict.WORSE, note)
    values = []
    for table, entry in ((a, one), (b, other)):
        assert entry.times is not None
        beside = None if reference is None else table.get((key[0], reference))
        if reference is not None and (beside is None or beside.times is None):
            return None
        values.append(_by_block(entry.times, beside.times if beside else None))
    if any(len(v) == 0 for v in values):
        return None
    change = _quotient(values[1], values[0])
    verdict = Verdict.SAME
    if change.low > 1.0 and change.value > 1.0 + tolerance:
        verdict = Verdict.WORSE
    elif change.high < 1.0 and change.value < 1.0 - tolerance:
        verdict = Verdict.BETTER
    note = "" if one.digest == other.digest else "its results differ"
    medians = [float(np.median(v)) for v in values]
    return Finding(*key, figure, medians[0], medians[1], change, verdict, note)


def _by_block(times: Times, beside: Times | None) -> Floats:
    """Each block's median in milliseconds, or as a share of the other's in the same block."""
    mine = dict(zip(times.blocks, _medians(times.turns), strict=True))
    if beside is None:
        return np.array(list(mine.values()))
    theirs = dict(zip(beside.blocks, _medians(beside.turns), strict=True))
    return np.array([mine[block] / theirs[block] for block in mine if block in theirs])


def _medians(turns: Sequence[Sequence[float]]) -> list[float]:
    return [float(np.median(turn)) for turn in turns]


def _quotient(top: Floats, bottom: Floats) -> Interval:
    """The quotient of two medians; its interval is as wide as those of both allow.

    So where it leaves 1 out, the two intervals do not overlap, which chance alone brings about far
    more seldom than their level says: a comparison has many rows, and one alarm is one too many.
    """
    above, below = bootstrap_median(top), bootstrap_median(bottom)
    return Interval(
        value=above.value / below.value,
        low=above.low / below.high,
        high=above.high / below.low,
    )
