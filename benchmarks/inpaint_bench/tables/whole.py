"""What people read of a result, in a terminal and on the page: its tables, whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import singledispatch
from typing import Any

from inpaint_bench.compare import BUSY, BUSY_MEANS
from inpaint_bench.schema import results
from inpaint_bench.schema.common import CandidateRow, EvaluationResult, Measured, Times
from inpaint_bench.tables.kinds import cost
from inpaint_bench.tables.words import interval, machine_in_words
from inpaint_eval.evaluations import tables_of_evaluation
from inpaint_eval.render import Columns, Table, dimensions, number, table_of

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


def _candidates(
    title: str,
    columns: Sequence[str],
    rows: Iterable[tuple[CandidateRow, Iterable[str]]],
    notes: Iterable[str] = (),
) -> Table:
    """A table of candidates; of those that failed, the reason below."""
    cells, reasons = [], []
    for row, figures in rows:
        if row.reason:
            reasons.append(f"- {row.candidate} failed: {row.reason}")
            figures = ["failed", *[""] * (len(columns) - 2)]
        cells.append([row.candidate, *figures])
    return Table(title, columns, cells, [*reasons, *notes])


@tables_of.register
def _(result: results.RunResult) -> Iterator[Table]:
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
        title = f"{case.key} ({case.pictures} pictures, {case.hole_percent:.1f} % hole)"
        rows = ((row, _run_figures(case, row, result.reference)) for row in case.rows)
        yield _candidates(title, columns, rows, _run_notes(case))


def _run_figures(case: results.Case, row: results.Row, reference: str) -> Iterator[str]:
    if row.times is not None:
        yield from _percentiles(row.times, 2)
    figures = (row.load_ms, row.first_call_ms, row.host_peak_mb, row.device_peak_mb)
    yield from map(number, (row.pictures_per_second, *figures))
    yield number(None if row.energy is None else row.energy.joules_per_picture, 3)
    yield interval(case.ratio(row.candidate, reference))


def _run_notes(case: results.Case) -> Iterator[str]:
    for row in case.rows:
        if row.warmup is not None and not row.warmup.settled:
            yield f"- {row.candidate}: its time had not settled after {row.warmup.seconds:g} s"
        yield from (f"- {row.candidate}: {note}" for note in row.notes)
    reasons = {row.energy_reason for row in case.rows if row.energy_reason}
    yield from (f"- no energy: {reason}" for reason in sorted(reasons))


@tables_of.register
def _(result: results.QualityResult) -> Iterator[Table]:
    yield _head(result, f"pictures: {result.pictures}")
    names = {"psnr_hole": 2, "ssim_hole": 4, "gms_hole": 4, "psnr": 2, "ssim": 4, "gmsd": 4}
    hole = ("PSNR in the hole", "SSIM in the hole", "GMS in the hole")
    columns = ["candidate", *hole, "PSNR", "SSIM", "GMSD (less is better)"]
    means = (row.mean for group in result.groups for row in group.rows)
    if any(mean is not None and mean.perceptual is not None for mean in means):
        names["perceptual"] = 3
        columns.append("perceptual distance (less is better)")
    for group in result.groups:
        rows = (
            (row, [number(getattr(row.mean, name), d) for name, d in names.items() if row.mean])
            for row in group.rows
        )
        yield _candidates(f"{group.title} ({len(group.samples)} pictures)", columns, rows)


@tables_of.register
def _(result: results.KernelsResult) -> Iterator[Table]:
    yield _head(result, f"{result.threads} threads, {result.instruction_set}, {result.dtype}")
    shapes = [(dimensions(entry.shape), entry) for entry in result.shapes]
    rows = [
        [
            shape,
            row.candidate,
            *_percentiles(row.times, 3),
            number(row.gigabytes_per_second),
            str(row.launches or ""),
            str(row.bandwidth_share or ""),
        ]
        for shape, entry in shapes
        for row in entry.rows
    ]
    figures = ("GB/s", "launches", "of a copy's speed")
    yield Table("", ("shape", "candidate", *TIMES, *figures), rows, left=2)
    ratios = [
        [shape, f"{found.of} / {found.to}", str(found.ratio), str(found.blocks)]
        for shape, entry in shapes
        for found in entry.ratios
    ]
    left_out = [f"left out: {name} is not installed" for name in result.left_out]
    yield Table("", ("shape", "ratio of times", "", "blocks"), ratios, left_out, left=2)
    if result.cuda is None:
        yield Table(notes=[f"CUDA kernels: {result.cuda_reason}"])
        return
    of_cuda: Columns[results.CudaRow] = {
        "pass": lambda row: row.direction,
        "shape": lambda row: dimensions(row.shape),
        "dtype": lambda row: row.dtype,
        "p50 µs": lambda row: number(row.strategies_us["auto"].p50),
        "GB/s": lambda row: number(row.bytes / row.strategies_us["auto"].p50 / 1e3),
        "launches": lambda row: str(row.launches),
        "of a copy's speed": lambda row: f"{100 * row.auto_share_of_copy:.0f} %",
    }
    yield table_of("CUDA kernels", result.cuda, of_cuda, left=3)


@tables_of.register
def _(result: results.RooflineResult) -> Iterator[Table]:
    yield _head(result)
    yield cost(result, list(dict.fromkeys(n.model for n in result.networks)))
    of_devices: Columns[results.Device] = {
        "device": lambda d: d.name,
        "rates": lambda d: d.source,
        "multiply-adds/s": lambda d: ", ".join(
            f"{p} {v / 1e12:.2f} T" for p, v in d.multiply_adds.items()
        ),
        "GB/s": lambda d: number(d.bytes_per_second / 1e9),
    }
    sources = [f"- {d.name}: {d.reference}" for d in result.devices]
    yield table_of("Devices", result.devices, of_devices, sources, left=2)
    of_bounds: Columns[results.Bound] = {
        "model": lambda b: f"{b.model} {b.precision}",
        "size": lambda b: dimensions(b.size),
        "device": lambda b: b.device,
        "least ms": lambda b: number(b.least_ms, 3),
        "bound by": lambda b: b.bound_by,
        "layer by layer ms": lambda b: number(b.layered_ms, 3),
        "measured ms": lambda b: (
            "not measured" if b.measured_ms is None else f"{b.measured_ms:.2f}"
        ),
        "of the bound": lambda b: "" if b.efficiency is None else f"{100 * b.efficiency:.0f} %",
    }
    given = {(b.device, b.model, b.precision) for b in result.bounds}
    notes = [
        "Of programs that do all of the network's multiply-adds. Beside them, what a run took, "
        "where there is one."
    ]
    for n, d in itertools.product(result.networks, result.devices):
        if (d.name, n.model, n.precision) not in given:
            notes.append(f"{d.name} has no known rate for {n.model} in {n.precision}")
    yield table_of("Least times: not measurements", result.bounds, of_bounds, notes, left=3)


@tables_of.register
def _(result: results.SdkResult) -> Iterator[Table]:
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
