"""A kernel benchmark's result."""

from __future__ import annotations

from collections.abc import Iterator

from inpaint_bench.schema.kernels import KernelRow, KernelsResult
from inpaint_bench.text.tables import Block, Table, machine_in_words, markdown, number


def describe_kernels(result: KernelsResult) -> str:
    """All of a result, the machine first."""
    return markdown(blocks(result))


def blocks(result: KernelsResult) -> Iterator[Block]:
    yield machine_in_words(result.machine)
    yield f"{result.threads} threads, {result.instruction_set}, {result.dtype}\n"
    yield Table(
        (
            "shape",
            "candidate",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "GB/s",
            "launches",
            "of a copy's speed",
        ),
        [
            ["x".join(map(str, entry.shape)), row.candidate, *_cells(row)]
            for entry in result.shapes
            for row in entry.rows
        ],
        left=2,
    )
    yield Table(
        ("shape", "ratio of times", "", "blocks"),
        [
            ["x".join(map(str, entry.shape)), f"{r.of} / {r.to}", str(r.ratio), str(r.blocks)]
            for entry in result.shapes
            for r in entry.ratios
        ],
        left=2,
    )
    yield from (f"left out: {name} is not installed" for name in result.left_out)
    if result.cuda is None:
        yield f"CUDA kernels: {result.cuda_reason}"
    else:
        yield Table(
            ("pass", "shape", "dtype", "p50 µs", "GB/s", "launches", "of a copy's speed"),
            [
                [
                    row.direction,
                    "x".join(map(str, row.shape)),
                    row.dtype,
                    number(row.strategies_us["auto"].p50),
                    number(row.bytes / row.strategies_us["auto"].p50 / 1e3),
                    str(row.launches),
                    f"{100 * row.auto_share_of_copy:.0f} %",
                ]
                for row in result.cuda
            ],
            left=3,
        )


def _cells(row: KernelRow) -> list[str]:
    share = row.bandwidth_share
    return [
        number(row.times.p50, 3),
        number(row.times.p90, 3),
        number(row.times.p99, 3),
        number(None if row.bytes is None else row.bytes / row.times.p50 / 1e6),
        "" if row.launches is None else str(row.launches),
        ""
        if share is None
        else f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})",
    ]
