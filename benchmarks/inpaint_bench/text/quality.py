"""A quality benchmark's result."""

from __future__ import annotations

from collections.abc import Iterator

from inpaint_bench.schema.quality import Group, QualityResult
from inpaint_bench.text.tables import Block, Heading, Table, machine_in_words, markdown, number
from inpaint_eval.scores import Score

HEAD = (
    "candidate",
    "PSNR in the hole",
    "SSIM in the hole",
    "GMS in the hole",
    "PSNR",
    "SSIM",
    "GMSD (less is better)",
)


def describe_quality(result: QualityResult) -> str:
    """All of a result."""
    return markdown(blocks(result))


def blocks(result: QualityResult) -> Iterator[Block]:
    yield machine_in_words(result.machine)
    yield f"pictures: {result.pictures}"
    if not result.complete:
        yield "NOT COMPLETE: the same command goes on with it"
    for group in result.groups:
        yield Heading(f"{group.title} ({len(group.samples)} pictures)")
        yield group_table(group)
        yield from (f"- {r.candidate} failed: {r.reason}" for r in group.rows if r.reason)


def group_table(group: Group) -> Table:
    """One group's means."""
    return Table(
        HEAD,
        [
            [row.candidate, *(_cells(row.mean) if row.mean else ["failed", *[""] * 5])]
            for row in group.rows
        ],
    )


def _cells(score: Score) -> list[str]:
    return [
        number(score.psnr_hole, 2),
        number(score.ssim_hole, 4),
        number(score.gms_hole, 4),
        number(score.psnr, 2),
        number(score.ssim, 4),
        number(score.gmsd, 4),
    ]
