"""Two result files beside each other: what got worse, beyond its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import Result
from inpaint_bench.schema.results import KernelRow, KernelsResult, QualityResult, Row, RunResult
from inpaint_eval.render import Columns, Table, dimensions, table_of
from inpaint_eval.timing import Interval, block_ratios, bootstrap_mean, bootstrap_median

TOLERANCE = 0.02
"""A change of time below this share is none, however sure it is."""

BUSY = 0.1
"""Share of the cores that other programs may take before a reader is warned."""

BUSY_MEANS = (
    "the machine was busy: ratios of candidates with different numbers of threads depend on that"
)

SIGNS = dict.fromkeys(("psnr_hole", "psnr", "ssim_hole", "ssim", "gms_hole"), 1)
SIGNS |= {"gmsd": -1, "perceptual": -1}
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

    change: B over A for times, B less A for quality. All three are None where B failed.
    """

    subject: str
    candidate: str
    figure: str
    verdict: Verdict
    note: str = ""
    a: float | None = None
    b: float | None = None
    change: Interval | None = None


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
        columns: Columns[Finding] = {
            "": lambda f: f.verdict.value,
            "what": lambda f: f.subject,
            "candidate": lambda f: f.candidate,
            "figure": lambda f: f.figure,
            "A": lambda f: "-" if f.a is None else f"{f.a:.4g}",
            "B": lambda f: "-" if f.b is None else f"{f.b:.4g}",
            "change": lambda f: "; ".join(str(part) for part in (f.change, f.note) if part),
        }
        yield Table(notes=self.notes)
        findings = [finding for some in found.values() for finding in some]
        yield table_of("", findings, columns, [*self.unmatched, counts], left=4)


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
        entries = [_quality_entries(result) for result in (a, b)]
    elif isinstance(a, RunResult) and isinstance(b, RunResult):
        peers = (c.label for c in a.plan.candidates if c.kind == "peer" and c in b.plan.candidates)
        reference = next(peers, None)
        if reference is None:
            found.notes.append("times as they are: a machine that was slower throughout counts")
        else:
            found.notes.append(f"times over {reference}'s, in the same blocks")
        timed = [{str(case.key): case.rows for case in result.cases} for result in (a, b)]
        entries = [_timed_entries(subjects, reference) for subjects in timed]
    elif isinstance(a, KernelsResult) and isinstance(b, KernelsResult):
        found.notes.append("times over copy's, in the same blocks")
        shapes = [{dimensions(s.shape): s.rows for s in result.shapes} for result in (a, b)]
        entries = [_timed_entries(subjects, "copy") for subjects in shapes]
    else:
        raise BenchError(
            f"a result of {a.kind} and one of {b.kind} are not compared: both must be of run, of "
            "quality, or of kernels"
        )
    _match(entries[0], entries[1], tolerance, found)
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


def _match(a: _Entries, b: _Entries, tolerance: float, into: Comparison) -> None:
    """Judges what both files have, and names what only one has."""
    for (subject, candidate), one in a.items():
        other = b.get((subject, candidate))
        if other is None:
            into.unmatched.append(f"only in A: {subject}, {candidate}")
        elif one.samples != other.samples:
            into.unmatched.append(f"{subject}, {candidate}: A and B have other pictures or masks")
        elif one.failure is None and other.failure is not None:
            lost = f"failed: {other.failure}"
            into.findings.append(Finding(subject, candidate, "result", Verdict.WORSE, lost))
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
            change = bootstrap_mean(after - before)  # picture by picture
            verdict = _judge(change, 0.0, SIGNS[figure], 0.0)
        else:
            a, b = float(np.median(before)), float(np.median(after))
            change = _quotient(bootstrap_median(after), bootstrap_median(before))
            verdict = _judge(change, 1.0, -1, tolerance)
        yield Finding(subject, candidate, figure, verdict, note, a, b, change)


def _quotient(above: Interval, below: Interval) -> Interval:
    """Of two medians; its interval is as wide as those of both allow.

    So where it leaves 1 out, the two intervals do not overlap, which chance alone brings about far
    more seldom than their level says: a comparison has many rows, and one alarm is one too many.
    """
    return Interval(above.value / below.value, above.low / below.high, above.high / below.low)


def _judge(change: Interval, unchanged: float, sign: int, tolerance: float) -> Verdict:
    """sign: 1 where more is better, else -1."""
    if change.low <= unchanged <= change.high or abs(change.value - unchanged) <= tolerance:
        return Verdict.SAME
    return Verdict.BETTER if (change.value > unchanged) == (sign > 0) else Verdict.WORSE


def _timed_entries(
    subjects: Mapping[str, Sequence[Row] | Sequence[KernelRow]], reference: str | None
) -> _Entries:
    """Of all but the reference: blocks' medians in milliseconds, or over its in the same block."""
    entries = {}
    for subject, rows in subjects.items():
        turns = {row.candidate: row.times.as_turns() for row in rows if row.times is not None}
        for row in (row for row in rows if row.candidate != reference):
            values = {}
            mine, base = turns.get(row.candidate), turns.get(reference or "")
            if mine and reference is None:
                values = {"time": np.array(list(mine.medians().values()))}
            elif mine and base and len(ratios := block_ratios(mine, base)):
                values = {f"time over {reference}": ratios}
            failure, output = (getattr(row, name, None) for name in ("reason", "output_sha256"))
            entries[subject, row.candidate] = _Entry(values, failure, output=output)
    return entries


def _quality_entries(result: QualityResult) -> _Entries:
    entries = {}
    for group in result.groups:
        samples = tuple(sample.sha256 for sample in group.samples)
        for row in group.rows:
            scores = {name: [getattr(score, name) for score in row.scores] for name in SIGNS}
            values = {
                n: np.array(found) for n, found in scores.items() if found and None not in found
            }
            entries[group.title, row.candidate] = _Entry(values, row.reason, samples)
    return entries
