"""What people read of a result, in a terminal and on the page: its tables, whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import singledispatch
from typing import Any

from inpaint_bench.compare import BUSY, BUSY_MEANS
from inpaint_bench.schema.common import CandidateRow, EvaluationResult, Measured, Times
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import QualityResult
from inpaint_bench.schema.roofline import RooflineResult
from inpaint_bench.schema.run import Case, Row, RunResult
from inpaint_bench.schema.sdk import SdkResult
from inpaint_bench.tables.kinds import cost
from inpaint_bench.tables.words import interval, machine_in_words
from inpaint_eval.evaluations import tables_of_evaluation
from inpaint_eval.render import Table, dimensions, number

TIMES = ("p50 ms", "p90 ms", "p99 ms")


@singledispatch
def tables_of(result: Measured) -> Iterator[Table]:
    """All of a result; first what it was measured on."""
    raise NotImplementedError(f"there are no tables of {type(result).__name__}")


def _head(result: Measured, *notes: str) -> Table:
    """What a reader must know first."""
    found = [machine_in_words(result.machine)]
    if result.machine.dirty:
        found.append(
            f"NOT OF A REVISION: measured with changes since {result.machine.revision}; no table "
            "or card will take it"
        )
    if not result.is_complete:
        found.append("NOT COMPLETE: the same command goes on with it")
    return Table(notes=[*found, *notes])


def _percentiles(times: Times, digits: int) -> list[str]:
    """Under :data:`TIMES`."""
    return [number(t, digits) for t in (times.p50, times.p90, times.p99)]


def _failed(row: CandidateRow, columns: Sequence[str]) -> list[str]:
    return [row.candidate, "failed", *[""] * (len(columns) - 2)]


def _reasons(rows: Iterable[CandidateRow]) -> Iterator[str]:
    return (f"- {row.candidate} failed: {row.reason}" for row in rows if row.reason)


@tables_of.register
def _(result: RunResult) -> Iterator[Table]:
    overhead = result.overhead
    notes = [
        f"the loop adds {overhead.p50_microseconds:.2f} µs to a call, "
        f"{100 * overhead.share_of_5_ms:.4f} % of one of 5 ms"
    ]
    if result.others_cpu is not None:
        notes.append(f"other programs took up to {100 * result.others_cpu:.0f} % of the cores")
    if (result.others_cpu or 0) > BUSY:
        notes.append(BUSY_MEANS)
    throttled = sorted({t for case in result.cases for s in case.states for t in s.throttling})
    if throttled:
        notes.append("throttling: " + "; ".join(throttled))
    yield _head(result, *notes)
    figures = ("pictures/s", "load ms", "first ms", "host MB", "GPU MB", "J/picture")
    columns = ("candidate", *TIMES, *figures, f"over {result.reference}")
    for case in result.cases:
        yield Table(
            f"{case.key} ({case.pictures} pictures, {case.hole_percent:.1f} % hole)",
            columns,
            [
                _failed(row, columns)
                if row.times is None
                else _run_row(case, row, row.times, result.reference)
                for row in case.rows
            ],
            list(_run_notes(case)),
        )


def _run_row(case: Case, row: Row, times: Times, reference: str) -> list[str]:
    figures = (
        row.pictures_per_second,
        row.load_ms,
        row.first_call_ms,
        row.host_peak_mb,
        row.device_peak_mb,
    )
    return [
        row.candidate,
        *_percentiles(times, 2),
        *(number(figure) for figure in figures),
        number(None if row.energy is None else row.energy.joules_per_picture, 3),
        interval(case.ratio(row.candidate, reference)),
    ]


def _run_notes(case: Case) -> Iterator[str]:
    yield from _reasons(case.rows)
    for row in case.rows:
        if row.warmup is not None and not row.warmup.settled:
            yield f"- {row.candidate}: its time had not settled after {row.warmup.seconds:g} s"
        yield from (f"- {row.candidate}: {note}" for note in row.notes)
    reasons = {row.energy_reason for row in case.rows if row.energy_reason}
    yield from (f"- no energy: {reason}" for reason in sorted(reasons))


@tables_of.register
def _(result: QualityResult) -> Iterator[Table]:
    yield _head(result, f"pictures: {result.pictures}")
    names = {"psnr_hole": 2, "ssim_hole": 4, "gms_hole": 4, "psnr": 2, "ssim": 4, "gmsd": 4}
    hole = ("PSNR in the hole", "SSIM in the hole", "GMS in the hole")
    columns = ["candidate", *hole, "PSNR", "SSIM", "GMSD (less is better)"]
    means = (row.mean for group in result.groups for row in group.rows)
    if any(mean is not None and mean.perceptual is not None for mean in means):
        names["perceptual"] = 3
        columns.append("perceptual distance (less is better)")
    for group in result.groups:
        yield Table(
            f"{group.title} ({len(group.samples)} pictures)",
            columns,
            [
                _failed(row, columns)
                if row.mean is None
                else [row.candidate, *(number(getattr(row.mean, n), d) for n, d in names.items())]
                for row in group.rows
            ],
            list(_reasons(group.rows)),
        )


@tables_of.register
def _(result: KernelsResult) -> Iterator[Table]:
    yield _head(result, f"{result.threads} threads, {result.instruction_set}, {result.dtype}")
    rows = []
    for entry in result.shapes:
        for row in entry.rows:
            of_copy = ""
            if (share := row.bandwidth_share) is not None:
                low, high = 100 * share.low, 100 * share.high
                of_copy = f"{100 * share.value:.0f} % ({low:.0f} to {high:.0f})"
            rows.append(
                [
                    dimensions(entry.shape),
                    row.candidate,
                    *_percentiles(row.times, 3),
                    number(row.gigabytes_per_second),
                    "" if row.launches is None else str(row.launches),
                    of_copy,
                ]
            )
    columns = ("shape", "candidate", *TIMES, "GB/s", "launches", "of a copy's speed")
    yield Table("", columns, rows, left=2)
    yield Table(
        "",
        ("shape", "ratio of times", "", "blocks"),
        [
            [dimensions(entry.shape), f"{r.of} / {r.to}", str(r.ratio), str(r.blocks)]
            for entry in result.shapes
            for r in entry.ratios
        ],
        [f"left out: {name} is not installed" for name in result.left_out],
        left=2,
    )
    if result.cuda is None:
        yield Table(notes=[f"CUDA kernels: {result.cuda_reason}"])
        return
    yield Table(
        "CUDA kernels",
        ("pass", "shape", "dtype", "p50 µs", "GB/s", "launches", "of a copy's speed"),
        [
            [
                row.direction,
                dimensions(row.shape),
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


@tables_of.register
def _(result: RooflineResult) -> Iterator[Table]:
    yield _head(result)
    yield cost(result, list(dict.fromkeys(n.model for n in result.networks)))
    yield Table(
        "Devices",
        ("device", "rates", "multiply-adds/s", "GB/s"),
        [
            [
                d.name,
                d.source,
                ", ".join(f"{p} {v / 1e12:.2f} T" for p, v in d.multiply_adds.items()),
                number(d.bytes_per_second / 1e9),
            ]
            for d in result.devices
        ],
        [f"- {d.name}: {d.reference}" for d in result.devices],
        left=2,
    )
    given = {(b.device, b.model, b.precision) for b in result.bounds}
    times = ("least ms", "bound by", "layer by layer ms", "measured ms")
    yield Table(
        "Least times: not measurements",
        ("model", "size", "device", *times, "of the bound"),
        [
            [
                f"{b.model} {b.precision}",
                dimensions(b.size),
                b.device,
                number(b.least_ms, 3),
                b.bound_by,
                number(b.layered_ms, 3),
                "not measured" if b.measured_ms is None else number(b.measured_ms, 2),
                "" if b.efficiency is None else f"{100 * b.efficiency:.0f} %",
            ]
            for b in result.bounds
        ],
        [
            "Of programs that do all of the network's multiply-adds. Beside them, what a run took, "
            "where there is one.",
            *(
                f"{d.name} has no known rate for {n.model} in {n.precision}"
                for n in result.networks
                for d in result.devices
                if (d.name, n.model, n.precision) not in given
            ),
        ],
        left=3,
    )


@tables_of.register
def _(result: SdkResult) -> Iterator[Table]:
    yield _head(result)
    for name, row in result.rows.items():
        yield Table(name, ("figure", "value"), list(_figures(row.figures, "")), [f"bar: {row.bar}"])


def _figures(values: Mapping[str, Any], under: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{under}{name}, ")
        else:
            several = value if isinstance(value, (list, tuple)) else [value]
            shown = (f"{v:.4g}" if isinstance(v, float) else str(v) for v in several)
            yield f"{under}{name}", ", ".join(shown)


@tables_of.register
def _(result: EvaluationResult) -> Iterator[Table]:
    yield _head(result)
    yield from tables_of_evaluation(result.model_dump())
