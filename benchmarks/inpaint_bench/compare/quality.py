"""Quality of two results: differences picture by picture."""

from __future__ import annotations

from inpaint_bench.compare.finding import Comparison, Finding, Verdict
from inpaint_bench.schema.quality import Group, QualityResult, QualityRow
from inpaint_eval.timing import bootstrap_mean

FIGURES = {"psnr_hole": 1, "psnr": 1, "ssim_hole": 1, "ssim": 1, "gms_hole": 1, "gmsd": -1}
"""Which are compared, and whether more is better."""


def compare_quality(a: QualityResult, b: QualityResult) -> Comparison:
    """Every figure of every candidate in every group that both have."""
    found = Comparison()
    groups = {group.title: group for group in b.groups}
    for group in a.groups:
        other = groups.pop(group.title, None)
        if other is None:
            found.unmatched.append(f"only in A: {group.title}")
        elif [s.sha256 for s in group.samples] != [s.sha256 for s in other.samples]:
            found.unmatched.append(f"{group.title}: A and B have other pictures or masks")
        else:
            _compare_group(group, other, found)
    found.unmatched += [f"only in B: {title}" for title in groups]
    return found


def _compare_group(a: Group, b: Group, found: Comparison) -> None:
    rows = {row.candidate: row for row in b.rows}
    for row in a.rows:
        other = rows.get(row.candidate)
        if other is None:
            found.unmatched.append(f"only in A: {a.title}, {row.candidate}")
        elif other.mean is None and row.mean is not None:
            note = f"failed: {other.reason}"
            found.findings.append(
                Finding(
                    a.title, row.candidate, "psnr", row.mean.psnr, None, None, Verdict.WORSE, note
                )
            )
        elif row.mean is not None and other.mean is not None:
            found.findings += _compare_rows(a.title, row, other)


def _compare_rows(title: str, a: QualityRow, b: QualityRow) -> list[Finding]:
    found = []
    for figure, sign in FIGURES.items():
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
