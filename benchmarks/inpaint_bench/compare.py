"""Two result files beside each other: what got worse, beyond its interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import Result
from inpaint_bench.schema.common import Times
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import Group, QualityResult, QualityRow
from inpaint_bench.schema.run import RunResult
from inpaint_eval.timing import Interval, bootstrap_mean, bootstrap_median

TOLERANCE = 0.02
"""A change of time below this share is none, however sure it is."""

BUSY = 0.1
"""Share of the cores that other programs may take before a reader is warned."""

BUSY_MEANS = (
    "the machine was busy: ratios of candidates with different numbers of threads depend on that"
)

SIGNS = {
    "psnr_hole": 1,
    "psnr": 1,
    "ssim_hole": 1,
    "ssim": 1,
    "gms_hole": 1,
    "gmsd": -1,
    "perceptual": -1,
}
"""Scores that are compared, and whether more is better."""

KERNEL_REFERENCE = "copy"


class Verdict(Enum):
    """Whether B is worse than A, beyond the interval and the tolerance."""

    WORSE = "WORSE"
    BETTER = "better"
    SAME = "same"


@dataclass(frozen=True)
class Finding:
    """One figure of one candidate under the same circumstances in A and in B.

    change: B over A for times, B less A for quality; None where B failed.
    """

    subject: str
    candidate: str
    figure: str
    a: float | None
    b: float | None
    change: Interval | None
    verdict: Verdict
    note: str = ""


@dataclass
class Comparison:
    """notes: what a reader must know before the findings. unmatched: what only one file has."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    @property
    def worse(self) -> list[Finding]:
        """The regressions."""
        return [f for f in self.findings if f.verdict is Verdict.WORSE]


def compare(a: Result, b: Result, tolerance: float = TOLERANCE) -> Comparison:
    """Compares B with A.

    Times are divided by a peer's that was measured in turn with them, so that a machine that was
    slower throughout does not count; where there is no such peer, they are compared as they are.

    Raises:
        BenchError: the files are of different kinds, or of one that is not compared.
    """
    found = Comparison()
    if isinstance(a, QualityResult) and isinstance(b, QualityResult):
        _compare_quality(a, b, found)
    elif isinstance(a, RunResult) and isinstance(b, RunResult):
        peers = (c.label for c in a.plan.candidates if c.kind == "peer" and c in b.plan.candidates)
        _compare_times(_run_times(a), _run_times(b), next(peers, None), tolerance, found)
    elif isinstance(a, KernelsResult) and isinstance(b, KernelsResult):
        _compare_times(_kernel_times(a), _kernel_times(b), KERNEL_REFERENCE, tolerance, found)
    else:
        raise BenchError(
            f"a result of {a.kind} and one of {b.kind} are not compared: both must be of run, of "
            "quality, or of kernels"
        )
    if not found.findings:
        raise BenchError("the two files have nothing in common that could be compared")
    if a.machine.cpu.name != b.machine.cpu.name or a.machine.gpus != b.machine.gpus:
        found.notes.insert(0, "measured on different machines: not every change is the program's")
    for name, version in a.machine.libraries.items():
        other = b.machine.libraries.get(name)
        if version != other:
            found.notes.append(
                f"{name} {version or 'not installed'}, then {other or 'not installed'}"
            )
    for letter, result in (("A", a), ("B", b)):
        if not result.is_complete:
            found.notes.append(f"{letter} is not complete")
        if isinstance(result, RunResult) and (result.others_cpu or 0) > BUSY:
            found.notes.append(f"{letter}: {BUSY_MEANS}")
        if result.remarks:
            found.notes.append(f"{letter}: {result.remarks}")
    return found


@dataclass(frozen=True)
class _Entry:
    """times: None where the candidate failed, with the reason. digest: of its first result."""

    times: Times | None
    reason: str | None = None
    digest: str | None = None


_Times = dict[tuple[str, str], _Entry]
"""By circumstances and candidate."""


def _run_times(result: RunResult) -> _Times:
    return {
        (str(case.key), row.candidate): _Entry(row.times, row.reason, row.output_sha256)
        for case in result.cases
        for row in case.rows
    }


def _kernel_times(result: KernelsResult) -> _Times:
    return {
        ("x".join(map(str, entry.shape)), row.candidate): _Entry(row.times)
        for entry in result.shapes
        for row in entry.rows
    }


def _compare_times(
    a: _Times, b: _Times, reference: str | None, tolerance: float, into: Comparison
) -> None:
    """reference: a candidate that both have, by whose times the others' are divided."""
    into.notes.append(
        "times as they are: a machine that was slower throughout counts"
        if reference is None
        else f"times over {reference}'s, in the same blocks"
    )
    for key in a:
        if key[1] == reference:
            continue
        if key not in b:
            into.unmatched.append(f"only in A: {key[0]}, {key[1]}")
            continue
        finding = _time_finding(key, a, b, reference, tolerance)
        if finding is not None:
            into.findings.append(finding)
    into.unmatched += [f"only in B: {key[0]}, {key[1]}" for key in b if key not in a]


def _time_finding(
    key: tuple[str, str], a: _Times, b: _Times, reference: str | None, tolerance: float
) -> Finding | None:
    one, other = a[key], b[key]
    figure = "time" if reference is None else f"time over {reference}"
    if one.times is None:
        return None
    if other.times is None:
        note = f"failed: {other.reason}"
        return Finding(*key, figure, one.times.p50, None, None, Verdict.WORSE, note)
    before, after = (_by_block(table, key, reference) for table in (a, b))
    if before is None or after is None:
        return None
    change = _quotient(after, before)
    verdict = Verdict.SAME
    if change.low > 1.0 and change.value > 1.0 + tolerance:
        verdict = Verdict.WORSE
    elif change.high < 1.0 and change.value < 1.0 - tolerance:
        verdict = Verdict.BETTER
    note = "" if one.digest == other.digest else "its results differ"
    medians = (float(np.median(before)), float(np.median(after)))
    return Finding(*key, figure, *medians, change, verdict, note)


def _by_block(
    table: _Times, key: tuple[str, str], reference: str | None
) -> NDArray[np.float64] | None:
    """Each block's median in milliseconds, or over the reference's in the same block."""
    times = table[key].times
    assert times is not None
    mine = times.as_turns().medians()
    if reference is None:
        return np.array(list(mine.values()))
    beside = table.get((key[0], reference))
    if beside is None or beside.times is None:
        return None
    theirs = beside.times.as_turns().medians()
    found = np.array([mine[block] / theirs[block] for block in mine if block in theirs])
    return found if len(found) else None


def _quotient(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> Interval:
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


def _compare_quality(a: QualityResult, b: QualityResult, into: Comparison) -> None:
    """Every score of every candidate in every group that both have, picture by picture."""
    groups = {group.title: group for group in b.groups}
    for group in a.groups:
        other = groups.pop(group.title, None)
        if other is None:
            into.unmatched.append(f"only in A: {group.title}")
        elif [s.sha256 for s in group.samples] != [s.sha256 for s in other.samples]:
            into.unmatched.append(f"{group.title}: A and B have other pictures or masks")
        else:
            _compare_groups(group, other, into)
    into.unmatched += [f"only in B: {title}" for title in groups]


def _compare_groups(a: Group, b: Group, into: Comparison) -> None:
    rows = {row.candidate: row for row in b.rows}
    for row in a.rows:
        other = rows.get(row.candidate)
        if other is None:
            into.unmatched.append(f"only in A: {a.title}, {row.candidate}")
        elif row.mean is not None and other.mean is None:
            lost = (row.mean.psnr, None, None, Verdict.WORSE, f"failed: {other.reason}")
            into.findings.append(Finding(a.title, row.candidate, "psnr", *lost))
        elif row.mean is not None:
            into.findings += _score_findings(a.title, row, other)


def _score_findings(title: str, a: QualityRow, b: QualityRow) -> list[Finding]:
    found = []
    for figure, sign in SIGNS.items():
        one = [getattr(score, figure) for score in a.scores]
        other = [getattr(score, figure) for score in b.scores]
        if None in one or None in other:
            continue
        change = bootstrap_mean([y - x for x, y in zip(one, other, strict=True)])
        verdict = Verdict.SAME
        if change.low > 0 or change.high < 0:
            verdict = Verdict.BETTER if change.value * sign > 0 else Verdict.WORSE
        means = (getattr(a.mean, figure), getattr(b.mean, figure))
        found.append(Finding(title, a.candidate, figure, *means, change, verdict))
    return found
