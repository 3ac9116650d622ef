"""A comparison, for people."""

from __future__ import annotations

from collections.abc import Iterator

from inpaint_bench.compare import Comparison, Finding, Verdict
from inpaint_bench.text.tables import Block, Table, markdown


def describe_comparison(comparison: Comparison) -> str:
    """What changed, regressions first."""
    return markdown(blocks(comparison))


def blocks(comparison: Comparison) -> Iterator[Block]:
    yield from comparison.notes
    yield ""
    order = list(Verdict)
    findings = sorted(comparison.findings, key=lambda f: order.index(f.verdict))
    yield Table(
        ("", "what", "candidate", "figure", "A", "B", "change"),
        [_cells(finding) for finding in findings],
        left=4,
    )
    yield from comparison.unmatched
    counts = {v: sum(f.verdict is v for f in comparison.findings) for v in Verdict}
    yield ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())


def _cells(finding: Finding) -> list[str]:
    change = "" if finding.change is None else str(finding.change)
    if finding.note:
        change = f"{change}; {finding.note}" if change else finding.note
    values = ["-" if v is None else f"{v:.4g}" for v in (finding.a, finding.b)]
    return [
        finding.verdict.value,
        finding.subject,
        finding.candidate,
        finding.figure,
        *values,
        change,
    ]
