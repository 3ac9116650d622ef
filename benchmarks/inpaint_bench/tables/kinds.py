"""The tables that documents show, by kind.

Each takes results, by the names that a document gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import validate_call

from inpaint_bench.errors import BenchError
from inpaint_bench.schema.common import EvaluationResult
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import Group, QualityResult
from inpaint_bench.schema.roofline import RooflineResult
from inpaint_bench.schema.run import Case, RunResult
from inpaint_bench.schema.sdk import SdkResult
from inpaint_bench.tables.words import TITLES, conditions, interval, measured_on, title_of
from inpaint_eval.evaluations import tables_of_evaluation
from inpaint_eval.render import Table, dimensions, number
from inpaint_eval.scores import Score

SCORES = ("PSNR in the hole", "SSIM", "GMSD (less is better)")


def _restoration(**results: Any) -> Table:
    """Quality and time of the same pictures under the same masks.

    results: pairs ``quality`` and ``run``, or several with beginnings of their own, like
    ``small_quality`` and ``small_run``.
    """
    beginnings = [name.removesuffix("quality") for name in results if name.endswith("quality")]
    names = {f"{beginning}{kind}" for beginning in beginnings for kind in ("quality", "run")}
    if not beginnings or names != set(results):
        raise BenchError("a table of kind restoration takes pairs of quality= and run=")
    tables = [_restoration_of(results[f"{b}quality"], results[f"{b}run"]) for b in beginnings]
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    return replace(tables[0], rows=[r for t in tables for r in t.rows], notes=list(notes))


@validate_call
def _restoration_of(quality: QualityResult, run: RunResult) -> Table:
    if quality.pictures != run.plan.pictures:
        raise BenchError(f"quality is of {quality.pictures}, run is of {run.plan.pictures}")
    rows = []
    for group, label, title, mean in _measured(quality):
        case = _case(run, str(group.holes))
        taken = {row.candidate: row.times for row in case.rows}.get(label)
        time = "not measured" if taken is None else f"{taken.p50:.0f} ms"
        ratio = interval(case.ratio(label, run.reference))
        holes = f"{group.holes} %" if group.mask_kind == "masks" else group.mask_kind
        rows.append([holes, title, *_scores_of(mean), time, ratio])
    over = f"time over {TITLES.get(run.reference, run.reference)}"
    pictures = f"{quality.pictures}, {len(quality.groups[0].samples)} pictures"
    note = f"{pictures}; {conditions(run.plan.threads[0], run)}"
    return Table("", ("holes", "", *SCORES, "time (median)", over), rows, [note], left=2)


def _case(run: RunResult, holes: str) -> Case:
    for case in run.cases:
        if (case.key.holes, case.key.scope, case.key.batch) == (holes, "call", 1):
            return case
    raise BenchError(f"the run has no case of scope call with holes of {holes} %")


def _pairs(run: RunResult, **results: QualityResult) -> Table:
    """Pairs: as they came, and what models make of them, each under a name of its own.

    run: of scope network, for the time over that of the ONNX file that stands beside ours.
    """
    (other,) = (c for c in run.plan.candidates if c.kind == "onnx")
    rows = [
        [
            quality.pictures,
            title,
            f"{mean.psnr:.2f} dB",
            number(mean.ssim, 3),
            number(mean.gmsd, 4),
            _network_ratio(run, label, other.label),
        ]
        for quality in results.values()
        for _, label, title, mean in _measured(quality)
    ]
    over = f"time over {title_of(other)}"
    columns = ("pictures", "", "PSNR", "SSIM", "GMSD (less is better)", over)
    note = f"Time of the network alone at 256x256, {conditions(run.plan.threads[0], run)}"
    return Table("", columns, rows, [note], left=2)


def _network_ratio(run: RunResult, label: str, other: str) -> str:
    cases = (c for c in run.cases if (c.key.scope, c.key.size) == ("network", (256, 256)))
    return next((interval(found) for case in cases if (found := case.ratio(label, other))), "")


def _scores(**results: QualityResult) -> Table:
    """Quality alone, of results under names of their own."""
    rows = [
        [quality.pictures, group.title, title, *_scores_of(mean), number(mean.gradient_hole, 3)]
        for quality in results.values()
        for group, _, title, mean in _measured(quality)
    ]
    columns = ("pictures", "holes", "", *SCORES, "gradient in the hole")
    return Table("", columns, rows, left=3)


def _measured(quality: QualityResult) -> Iterator[tuple[Group, str, str, Score]]:
    """Each candidate's label, title and mean in each group, where it did not fail."""
    titles = {candidate.label: title_of(candidate) for candidate in quality.candidates}
    for group in quality.groups:
        for row in group.rows:
            if row.mean is not None:
                yield group, row.candidate, titles[row.candidate], row.mean


def _scores_of(mean: Score) -> list[str]:
    return [f"{number(mean.psnr_hole, 2)} dB", number(mean.ssim, 4), number(mean.gmsd, 4)]


def _speed(run: RunResult, models: Sequence[str]) -> Table:
    """Times of models, and over the run's reference, at each size."""
    titles = {c.label: title_of(c) for c in run.plan.candidates if c.name in models}
    scope, threads = run.plan.scopes[0], run.plan.threads[0]
    rows = [
        [
            titles[row.candidate],
            "own" if case.key.size is None else dimensions(case.key.size),
            f"{row.times.p50:.1f} ms",
            interval(case.ratio(row.candidate, run.reference)),
        ]
        for case in run.cases
        if (case.key.scope, case.key.threads) == (scope, threads)
        for row in case.rows
        if row.candidate in titles and row.times is not None
    ]
    reference = next(title_of(c) for c in run.plan.candidates if c.label == run.reference)
    what = {"call": "The whole call", "network": "The network alone"}[scope]
    columns = ("", "size", "time (median)", f"time over {reference.strip('*')}")
    return Table("", columns, rows, [f"{what}, {conditions(threads, run)}"], left=2)


def cost(roofline: RooflineResult, models: Sequence[str]) -> Table:
    """What networks hold, and what they compute."""
    rows = [
        [
            f"`{n.model}`, {n.precision}",
            dimensions(n.size),
            f"{n.parameters / 1e6:.2f} M",
            f"{n.file_bytes / 1e6:.1f} MB",
            f"{n.multiply_adds / 1e9:.2f} G",
        ]
        for model in models
        for n in roofline.networks
        if n.model == model
    ]
    return Table("", ("", "size", "parameters", "file", "multiply-adds"), rows, left=2)


def _roofline(roofline: RooflineResult) -> Table:
    """The least time of each network on each device."""
    least = {(b.device, b.model, b.precision, b.size): b.least_ms for b in roofline.bounds}
    rows = []
    for n in roofline.networks:
        times = [least.get((d.name, n.model, n.precision, n.size)) for d in roofline.devices]
        rows.append(
            [
                f"`{n.model}`, {n.precision}",
                dimensions(n.size),
                f"{n.multiply_adds / 1e9:.2f} G",
                *("rate unknown" if ms is None else f"≥ {ms:.2f} ms" for ms in times),
            ]
        )
    devices = (device.name for device in roofline.devices)
    return Table("", ("", "size", "multiply-adds", *devices), rows, left=2)


def _scan(kernels: KernelsResult) -> Table:
    """The recurrent scan: bytes, bandwidth and ratios."""
    rows = []
    for entry in kernels.shapes:
        found = {(r.of, r.to): r.ratio for r in entry.ratios}
        (row,) = (r for r in entry.rows if r.candidate == "scan")
        shown = (("ort function", "ort native"), ("naive backward", "backward"))
        rows.append(
            [
                dimensions(entry.shape),
                number(row.times.p50, 2),
                number(row.gigabytes_per_second),
                "" if row.bandwidth_share is None else str(row.bandwidth_share),
                *("" if pair not in found else f"{found[pair].value:.1f}" for pair in shown),
            ]
        )
    ratios = ("ONNX function over native", "PyTorch loop's backward over ours")
    columns = ("shape", "ms", "GB/s", "share of a copy's speed", *ratios)
    return Table("", columns, rows, [conditions(kernels.threads, kernels)])


def _startup(sdk: SdkResult) -> Table:
    """A sentence: what a user waits for before the first result."""
    if "startup" not in sdk.rows:
        raise BenchError("a sentence on the start is of a result with the row startup")
    figures = sdk.rows["startup"].figures
    imported, first = (
        figures[name]["p50"] / 1e3 for name in ("import_milliseconds", "first_result_milliseconds")
    )
    note = (
        f"`import inpaint_sdk` takes {imported:.2f} s, a whole `inpaint-sdk restore` from the "
        f"start of the process\nto the written file {first:.2f} s."
    )
    return Table(notes=[note])


PLACES = {
    "folder": "`inpaint-sdk restore`, one thread",
    "ray": "`--ray`, two nodes",
    "ray-killed": "`--ray`, one of the two killed on the way",
}


def _places(result: SdkResult) -> Table:
    """Pictures a second, and memory, of each place where they are restored."""
    rows = []
    for name, title in PLACES.items():
        figures = result.rows[name].figures
        rows.append(
            [
                title,
                str(figures["workers"]),
                number(figures["pictures_per_second"], 2),
                number(figures["pictures_per_second"] / figures["workers"], 2),
                f"{figures['worker_megabytes']} MB",
                f"{figures['restored']} of {figures['pictures']}",
                str(figures["written_again"]),
            ]
        )
    speeds = ("pictures a second", "a worker", "memory a worker")
    columns = ("", "workers", *speeds, "restored", "written twice")
    note = (
        f"{figures['pictures']} pictures of {dimensions(figures['size'])}, holes of 5 to 15 %; "
        f"from the first result on. {measured_on(result)}"
    )
    return Table("", columns, rows, [note])


def _load(result: SdkResult) -> Table:
    """How a server answered more requests than it can."""
    figures = result.rows["serve-load"].figures
    rows = [
        [status, str(count), *(number(times[p], 0) for p in ("p50", "p90", "p99"))]
        for status, count in figures["answers"].items()
        for times in [figures["milliseconds"][status]]
    ]
    memory = figures["memory_mb"]
    note = (
        f"{figures['requests']} requests of {dimensions(figures['size'])}, "
        f"{figures['sent_per_second']:.1f} a second where {figures['capacity_per_second']:.1f} can "
        f"be answered, places for {figures['queue']} to wait; the process took "
        f"{memory['start']:.0f} MB at the start, {memory['half']:.0f} half-way and "
        f"{memory['end']:.0f} at the end. {measured_on(result)}"
    )
    columns = ("answer", "requests", "ms, p50", "p90", "p99")
    return Table("", columns, rows, [note])


def _evaluation(result: EvaluationResult) -> list[Table]:
    """All of what ``inpaint-export eval`` measured."""
    return tables_of_evaluation(result.model_dump())


KINDS: Mapping[str, Callable[..., Table | list[Table]]] = {
    "restoration": _restoration,
    "pairs": _pairs,
    "scores": _scores,
    "speed": _speed,
    "cost": cost,
    "roofline": _roofline,
    "scan": _scan,
    "startup": _startup,
    "places": _places,
    "load": _load,
    "evaluation": _evaluation,
}
