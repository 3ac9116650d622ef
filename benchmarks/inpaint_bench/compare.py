"""Two result files beside each other: what got worse, beyond its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import Result
from inpaint_bench.schema.common import Times
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import QualityResult
from inpaint_bench.schema.run import RunResult
from inpaint_eval.render import Table, dimensions
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

Floats = NDArray[np.float64]


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

    def cells(self) -> list[str]:
        """A row of a table."""
        change = "" if self.change is None else str(self.change)
        values = ("-" if value is None else f"{value:.4g}" for value in (self.a, self.b))
        said = "; ".join(text for text in (change, self.note) if text)
        return [self.verdict.value, self.subject, self.candidate, self.figure, *values, said]


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

    def tables(self) -> Iterator[Table]:
        """What changed, regressions first."""
        found = {v: [f for f in self.findings if f.verdict is v] for v in Verdict}
        counts = ", ".join(f"{len(some)} {verdict.value}" for verdict, some in found.items())
        yield Table(notes=self.notes)
        yield Table(
            "",
            ("", "what", "candidate", "figure", "A", "B", "change"),
            [finding.cells() for some in found.values() for finding in some],
            [*self.unmatched, counts],
            left=4,
        )


@dataclass(frozen=True)
class _Entry:
    """What a candidate gave in one file under one subject.

    values: of each figure, one for each block or picture. failure: why there are none. samples:
    what the pictures and masks were, by digest. output: digest of the first result.
    """

    values: dict[str, Floats] = field(default_factory=dict)
    failure: str | None = None
    samples: tuple[str, ...] = ()
    output: str | None = None


_Entries = dict[tuple[str, str], _Entry]
"""By subject and candidate."""


def compare(a: Result, b: Result, tolerance: float = TOLERANCE) -> Comparison:
    """Compares B with A.

    Times are divided by a peer's that was measured in turn with them, so that a machine that was
    slower throughout does not count; where there is no such peer, they are compared as they are.

    Raises:
        BenchError: the files are of different kinds, or of one that is not compared.
    """
    found = Comparison(notes=list(_circumstances(a, b)))
    if isinstance(a, QualityResult) and isinstance(b, QualityResult):
        _match(_quality_entries(a), _quality_entries(b), tolerance, found)
    elif isinstance(a, RunResult) and isinstance(b, RunResult):
        peers = (c.label for c in a.plan.candidates if c.kind == "peer" and c in b.plan.candidates)
        reference = next(peers, None)
        found.notes.append(_times_are(reference))
        _match(_run_entries(a, reference), _run_entries(b, reference), tolerance, found)
    elif isinstance(a, KernelsResult) and isinstance(b, KernelsResult):
        found.notes.append(_times_are("copy"))
        _match(_kernel_entries(a), _kernel_entries(b), tolerance, found)
    else:
        raise BenchError(
            f"a result of {a.kind} and one of {b.kind} are not compared: both must be of run, of "
            "quality, or of kernels"
        )
    if not found.findings:
        raise BenchError("the two files have nothing in common that could be compared")
    return found


def _circumstances(a: Result, b: Result) -> Iterator[str]:
    """What a reader must know of the two."""
    if a.machine.cpu.name != b.machine.cpu.name or a.machine.gpus != b.machine.gpus:
        yield "measured on different machines: not every change is the program's"
    for name, version in a.machine.libraries.items():
        other = b.machine.libraries.get(name)
        if version != other:
            yield f"{name} {version or 'not installed'}, then {other or 'not installed'}"
    for letter, result in (("A", a), ("B", b)):
        if not result.is_complete:
            yield f"{letter} is not complete"
        if isinstance(result, RunResult) and (result.others_cpu or 0) > BUSY:
            yield f"{letter}: {BUSY_MEANS}"
        if result.remarks:
            yield f"{letter}: {result.remarks}"


def _times_are(reference: str | None) -> str:
    if reference is None:
        return "times as they are: a machine that was slower throughout counts"
    return f"times over {reference}'s, in the same blocks"


def _match(a: _Entries, b: _Entries, tolerance: float, into: Comparison) -> None:
    """Judges what both files have, and names what only one has."""
    for (subject, candidate), one in a.items():
        other = b.get((subject, candidate))
        if other is None:
            into.unmatched.append(f"only in A: {subject}, {candidate}")
        elif one.samples != other.samples:
            into.unmatched.append(f"{subject}, {candidate}: A and B have other pictures or masks")
        elif one.failure is None and other.failure is not None:
            lost = (None, None, None, Verdict.WORSE, f"failed: {other.failure}")
            into.findings.append(Finding(subject, candidate, "result", *lost))
        elif one.failure is None:
            into.findings += _findings(subject, candidate, one, other, tolerance)
    into.unmatched += [f"only in B: {', '.join(key)}" for key in b if key not in a]


def _findings(
    subject: str, candidate: str, one: _Entry, other: _Entry, tolerance: float
) -> Iterator[Finding]:
    note = "" if one.output == other.output else "its results differ"
    for figure in (name for name in one.values if name in other.values):
        before, after = one.values[figure], other.values[figure]
        if figure in SIGNS:
            a, b = float(np.mean(before)), float(np.mean(after))
            change, verdict = _judge_scores(before, after, SIGNS[figure])
        else:
            a, b = float(np.median(before)), float(np.median(after))
            change, verdict = _judge_times(before, after, tolerance)
        yield Finding(subject, candidate, figure, a, b, change, verdict, note)


def _run_entries(result: RunResult, reference: str | None) -> _Entries:
    entries = {}
    for case in result.cases:
        times = {row.candidate: row.times for row in case.rows}
        for row in case.rows:
            if row.candidate != reference:
                values = _values_of(row.candidate, times, reference)
                entry = _Entry(values, row.reason, output=row.output_sha256)
                entries[str(case.key), row.candidate] = entry
    return entries


def _kernel_entries(result: KernelsResult) -> _Entries:
    entries = {}
    for entry in result.shapes:
        times: dict[str, Times | None] = {row.candidate: row.times for row in entry.rows}
        for name in times:
            if name != "copy":
                entries[dimensions(entry.shape), name] = _Entry(_values_of(name, times, "copy"))
    return entries


def _values_of(
    name: str, times: dict[str, Times | None], reference: str | None
) -> dict[str, Floats]:
    """Each block's median in milliseconds, or over the reference's in the same block."""
    mine, theirs = times[name], times.get(reference or "")
    if mine is None:
        return {}
    medians = mine.as_turns().medians()
    if reference is None:
        return {"time": np.array(list(medians.values()))}
    beside = {} if theirs is None else theirs.as_turns().medians()
    found = np.array([medians[block] / beside[block] for block in medians if block in beside])
    return {f"time over {reference}": found} if len(found) else {}


def _quality_entries(result: QualityResult) -> _Entries:
    entries = {}
    for group in result.groups:
        samples = tuple(sample.sha256 for sample in group.samples)
        for row in group.rows:
            scores = {name: [getattr(score, name) for score in row.scores] for name in SIGNS}
            values = {name: np.array(found) for name, found in scores.items() if None not in found}
            entry = _Entry(values if row.scores else {}, row.reason, samples)
            entries[group.title, row.candidate] = entry
    return entries


def _judge_times(before: Floats, after: Floats, tolerance: float) -> tuple[Interval, Verdict]:
    """The quotient of two medians; its interval is as wide as those of both allow.

    So where it leaves 1 out, the two intervals do not overlap, which chance alone brings about far
    more seldom than their level says: a comparison has many rows, and one alarm is one too many.
    """
    above, below = bootstrap_median(after), bootstrap_median(before)
    change = Interval(above.value / below.value, above.low / below.high, above.high / below.low)
    if change.low > 1.0 and change.value > 1.0 + tolerance:
        return change, Verdict.WORSE
    if change.high < 1.0 and change.value < 1.0 - tolerance:
        return change, Verdict.BETTER
    return change, Verdict.SAME


def _judge_scores(before: Floats, after: Floats, sign: int) -> tuple[Interval, Verdict]:
    """The mean difference, picture by picture. sign: 1 where more is better, else -1."""
    change = bootstrap_mean(after - before)
    if change.low <= 0 <= change.high:
        return change, Verdict.SAME
    return change, Verdict.BETTER if change.value * sign > 0 else Verdict.WORSE
