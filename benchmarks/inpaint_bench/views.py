"""What people read of a result: its tables, whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inpaint_bench.compare import BUSY, BUSY_MEANS, Comparison, Finding, Verdict
from inpaint_bench.schema import Result
from inpaint_bench.schema.common import EvaluationResult, Measured
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import QualityResult
from inpaint_bench.schema.roofline import RooflineResult
from inpaint_bench.schema.run import Case, Row, RunResult
from inpaint_bench.schema.sdk import SdkResult
from inpaint_eval.evaluations import tables_of_evaluation
from inpaint_eval.machine import Jetson, Machine
from inpaint_eval.render import Table, dimensions, number
from inpaint_eval.timing import Interval


def tables_of(result: Result) -> Iterator[Table]:
    """All of a result; first what it was measured on."""
    if isinstance(result, RunResult):
        yield from _run(result)
    elif isinstance(result, QualityResult):
        yield from _quality(result)
    elif isinstance(result, KernelsResult):
        yield from _kernels(result)
    elif isinstance(result, RooflineResult):
        yield from _roofline(result)
    elif isinstance(result, EvaluationResult):
        yield from (_head(result), *tables_of_evaluation(result.model_dump()))
    else:
        yield from _sdk(result)


def machine_in_words(machine: Machine) -> str:
    """One line: what it is, and what state it was in."""
    parts = []
    if machine.jetson is not None:
        locked = machine.gpus[0].clocks_locked if machine.gpus else None
        parts.append(_jetson_in_words(machine.jetson, locked))
    parts.append(f"{machine.cpu.name}, {machine.cpu.cores} cores")
    for gpu in machine.gpus:
        capability = f" (sm {gpu.compute_capability})" if gpu.compute_capability else ""
        parts.append(gpu.name + capability)
    if machine.cpu.governor:
        parts.append(f"governor {machine.cpu.governor}")
    shown = ("onnxruntime", "tensorrt", "opencv-python-headless", "torch")
    parts += [f"{name} {v}" for name in shown if (v := machine.libraries.get(name))]
    return ", ".join(parts)


def interval(found: Interval | None) -> str:
    """A ratio with its interval, or nothing."""
    return "" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _jetson_in_words(jetson: Jetson, locked: bool | None) -> str:
    mode = jetson.power_mode or "power mode unknown"
    clocks = {True: "clocks locked", False: "clocks not locked", None: "clocks unknown"}[locked]
    return f"{jetson.module}, JetPack {jetson.jetpack or 'unknown'}, {mode}, {clocks}"


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


def _run(result: RunResult) -> Iterator[Table]:
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
    times = ("p50 ms", "p90 ms", "p99 ms", "pictures/s", "load ms", "first ms")
    columns = ("candidate", *times, "host MB", "GPU MB", "J/picture", f"over {result.reference}")
    for case in result.cases:
        yield Table(
            f"{case.key} ({case.pictures} pictures, {case.hole_percent:.1f} % hole)",
            columns,
            [_run_row(case, row, result.reference, len(columns)) for row in case.rows],
            list(_run_notes(case)),
        )


def _run_row(case: Case, row: Row, reference: str, columns: int) -> list[str]:
    if row.times is None:
        return [row.candidate, "failed", *[""] * (columns - 2)]
    times = row.times
    return [
        row.candidate,
        *(number(t, 2) for t in (times.p50, times.p90, times.p99)),
        number(row.pictures_per_second),
        *(
            number(n)
            for n in (row.load_ms, row.first_call_ms, row.host_peak_mb, row.device_peak_mb)
        ),
        number(None if row.energy is None else row.energy.joules_per_picture, 3),
        interval(case.ratio(row.candidate, reference)),
    ]


def _run_notes(case: Case) -> Iterator[str]:
    for row in case.rows:
        if row.reason:
            yield f"- {row.candidate} failed: {row.reason}"
        if row.warmup is not None and not row.warmup.settled:
            yield f"- {row.candidate}: its time had not settled after {row.warmup.seconds:g} s"
        yield from (f"- {row.candidate}: {note}" for note in row.notes)
    reasons = {row.energy_reason for row in case.rows if row.energy_reason}
    yield from (f"- no energy: {reason}" for reason in sorted(reasons))


def _quality(result: QualityResult) -> Iterator[Table]:
    yield _head(result, f"pictures: {result.pictures}")
    names = {"psnr_hole": 2, "ssim_hole": 4, "gms_hole": 4, "psnr": 2, "ssim": 4, "gmsd": 4}
    hole = ("PSNR in the hole", "SSIM in the hole", "GMS in the hole")
    columns = ["candidate", *hole, "PSNR", "SSIM", "GMSD (less is better)"]
    means = (row.mean for group in result.groups for row in group.rows)
    if any(mean is not None and mean.perceptual is not None for mean in means):
        names["perceptual"] = 3
        columns.append("perceptual distance (less is better)")
    for group in result.groups:
        rows = []
        for row in group.rows:
            cells = ["failed", *[""] * (len(names) - 1)]
            if row.mean is not None:
                cells = [number(getattr(row.mean, name), n) for name, n in names.items()]
            rows.append([row.candidate, *cells])
        yield Table(
            f"{group.title} ({len(group.samples)} pictures)",
            columns,
            rows,
            [f"- {row.candidate} failed: {row.reason}" for row in group.rows if row.reason],
        )


def _kernels(result: KernelsResult) -> Iterator[Table]:
    yield _head(result, f"{result.threads} threads, {result.instruction_set}, {result.dtype}")
    rows = []
    for entry in result.shapes:
        for row in entry.rows:
            times, share = row.times, row.bandwidth_share
            of_copy = ""
            if share is not None:
                low, high = 100 * share.low, 100 * share.high
                of_copy = f"{100 * share.value:.0f} % ({low:.0f} to {high:.0f})"
            rows.append(
                [
                    dimensions(entry.shape),
                    row.candidate,
                    *(number(t, 3) for t in (times.p50, times.p90, times.p99)),
                    number(None if row.bytes is None else row.bytes / times.p50 / 1e6),
                    "" if row.launches is None else str(row.launches),
                    of_copy,
                ]
            )
    times_of = ("p50 ms", "p90 ms", "p99 ms")
    columns = ("shape", "candidate", *times_of, "GB/s", "launches", "of a copy's speed")
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


def _roofline(result: RooflineResult) -> Iterator[Table]:
    yield _head(result)
    yield Table(
        "Networks",
        ("model", "precision", "size", "parameters", "multiply-adds", "least MB", "layered MB"),
        [
            [
                n.model,
                n.precision,
                dimensions(n.size),
                f"{n.parameters / 1e6:.2f} M",
                f"{n.multiply_adds / 1e9:.2f} G",
                number(n.bytes_least / 1e6),
                number(n.bytes_layered / 1e6),
            ]
            for n in result.networks
        ],
        left=3,
    )
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


def _sdk(result: SdkResult) -> Iterator[Table]:
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


def comparison_tables(comparison: Comparison) -> Iterator[Table]:
    """What changed, regressions first."""
    order = list(Verdict)
    findings = sorted(comparison.findings, key=lambda f: order.index(f.verdict))
    counts = {v: sum(f.verdict is v for f in comparison.findings) for v in Verdict}
    yield Table(notes=comparison.notes)
    yield Table(
        "",
        ("", "what", "candidate", "figure", "A", "B", "change"),
        [_finding_row(finding) for finding in findings],
        [
            *comparison.unmatched,
            ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items()),
        ],
        left=4,
    )


def _finding_row(finding: Finding) -> list[str]:
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
