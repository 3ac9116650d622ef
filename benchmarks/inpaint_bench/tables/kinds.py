"""The tables that documents show, by kind.

Each takes results, by the names that a document gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import validate_call

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import results
from inpaint_bench.schema.common import EvaluationResult
from inpaint_bench.tables.words import TITLES, conditions, interval, measured_on, title_of
from inpaint_eval.cost import Network
from inpaint_eval.evaluations import CLEAN, tables_of_evaluation
from inpaint_eval.render import Columns, Table, dimensions, number, table_of
from inpaint_eval.scores import Score

SCORES = ("PSNR in the hole", "SSIM", "GMSD (less is better)")


def _restoration(**given: Any) -> Table:
    """Quality and time of the same pictures under the same masks.

    given: pairs, a quality before its run, under any names.
    """
    found = list(given.values())
    starts = range(0, len(found) or 1, 2)  # of none: one table, which says what it lacks
    tables = [_restoration_of(*found[start : start + 2]) for start in starts]
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    return replace(tables[0], rows=[r for t in tables for r in t.rows], notes=list(notes))


@validate_call
def _restoration_of(quality: results.QualityResult, run: results.RunResult) -> Table:
    if quality.pictures != run.plan.pictures:
        raise BenchError(f"quality is of {quality.pictures}, run is of {run.plan.pictures}")
    rows = []
    for group, label, title, mean in _measured(quality):
        case = _case(run, scope="call", batch=1, holes=group.holes)
        taken = {row.candidate: row.times for row in case.rows}.get(label)
        time = "not measured" if taken is None else f"{taken.p50:.0f} ms"
        ratio = interval(case.ratio(label, run.reference))
        holes = f"{group.holes} %" if group.mask_kind == "masks" else group.mask_kind
        rows.append([holes, title, *_scores_of(mean, mean.psnr_hole), time, ratio])
    over = f"time over {TITLES.get(run.reference, run.reference)}"
    pictures = f"{quality.pictures}, {len(quality.groups[0].samples)} pictures"
    note = f"{pictures}; {conditions(run.plan.threads[0], run)}"
    return Table("", ("holes", "", *SCORES, "time (median)", over), rows, [note], left=2)


def _case(run: results.RunResult, **wanted: Any) -> results.Case:
    """The first case of these circumstances."""
    for case in run.cases:
        if wanted.items() <= dict(case.key).items():
            return case
    raise BenchError(f"the run has no case of {wanted}")


def _pairs(run: results.RunResult, **given: results.QualityResult) -> Table:
    """Pairs: as they came, and what models make of them, each under a name of its own.

    run: of scope network, for the time over that of the ONNX file that stands beside ours.
    """
    (other,) = (c for c in run.plan.candidates if c.kind == "onnx")
    case = _case(run, scope="network", size=(256, 256))
    rows = [
        [
            f"{quality.pictures} ({len(group.samples)})",
            title,
            *_scores_of(mean, mean.psnr),
            interval(case.ratio(label, other.label)),
        ]
        for quality in given.values()
        for group, label, title, mean in _measured(quality)
    ]
    columns = ("pictures (count)", "", "PSNR", *SCORES[1:], f"time over {title_of(other)}")
    note = f"Time of the network alone at 256x256, {conditions(run.plan.threads[0], run)}"
    return Table("", columns, rows, [note], left=2)


def _scores(**given: results.QualityResult) -> Table:
    """Quality alone, of results under names of their own."""
    rows = [
        [
            f"{quality.pictures} ({len(group.samples)})",
            group.title,
            title,
            *_scores_of(mean, mean.psnr_hole),
            number(mean.gradient_hole, 3),
        ]
        for quality in given.values()
        for group, _, title, mean in _measured(quality)
    ]
    columns = ("pictures (count)", "holes", "", *SCORES, "gradient in the hole")
    return Table("", columns, rows, left=3)


def _measured(quality: results.QualityResult) -> Iterator[tuple[results.Group, str, str, Score]]:
    """Each candidate's label, title and mean in each group, where it did not fail."""
    titles = {candidate.label: title_of(candidate) for candidate in quality.candidates}
    for group in quality.groups:
        for row in group.rows:
            if row.mean is not None:
                yield group, row.candidate, titles[row.candidate], row.mean


def _scores_of(mean: Score, psnr: float | None) -> list[str]:
    """Under :data:`SCORES`. psnr: the one of the two that is shown."""
    return [f"{number(psnr, 2)} dB", number(mean.ssim, 4), number(mean.gmsd, 4)]


def cost(roofline: results.RooflineResult, models: Sequence[str]) -> Table:
    """What networks hold, and what they compute."""
    networks = [n for model in models for n in roofline.networks if n.model == model]
    columns: Columns[Network] = {
        "": lambda n: f"`{n.model}`, {n.precision}",
        "size": lambda n: dimensions(n.size),
        "parameters": lambda n: f"{n.parameters / 1e6:.2f} M",
        "file": lambda n: f"{n.file_bytes / 1e6:.1f} MB",
        "multiply-adds": lambda n: f"{n.multiply_adds / 1e9:.2f} G",
    }
    return table_of("", networks, columns, left=2)


def _roofline(roofline: results.RooflineResult) -> Table:
    """The least time of each network on each device."""
    devices = [device.name for device in roofline.devices]
    least = {
        (b.device, b.model, b.precision, b.size): f"≥ {b.least_ms:.2f} ms" for b in roofline.bounds
    }
    rows = [
        [
            f"`{n.model}`, {n.precision}",
            dimensions(n.size),
            f"{n.multiply_adds / 1e9:.2f} G",
            *(least.get((d, n.model, n.precision, n.size), "rate unknown") for d in devices),
        ]
        for n in roofline.networks
    ]
    return Table("", ("", "size", "multiply-adds", *devices), rows, left=2)


def _scan(kernels: results.KernelsResult) -> Table:
    """The recurrent scan: bytes, bandwidth and ratios."""
    rows = []
    for entry in kernels.shapes:
        (row,) = (r for r in entry.rows if r.candidate == "scan")
        figures = [number(row.times.p50, 2), number(row.gigabytes_per_second)]
        found = {(r.of, r.to): f"{r.ratio.value:.1f}" for r in entry.ratios}
        pairs = (("ort function", "ort native"), ("naive backward", "backward"))
        figures += [str(row.bandwidth_share or ""), *(found.get(pair, "") for pair in pairs)]
        rows.append([dimensions(entry.shape), *figures])
    ratios = ("ONNX function over native", "PyTorch loop's backward over ours")
    columns = ("shape", "ms", "GB/s", "share of a copy's speed", *ratios)
    return Table("", columns, rows, [conditions(kernels.threads, kernels)])


def _instructions(result: results.SdkResult) -> Table:
    """Instructions of the scan by pass, type, compiler and code, of the size that comes first."""
    compilers = {"GCC": "instructions-gcc", "Clang": "instructions-wheel"}
    found = {
        (c["pass"], c["dtype"], compiler, c["code"], dimensions(c["size"])): c["instructions"]
        for compiler, row in compilers.items()
        for c in result.rows[row].figures["counts"]
    }
    size, *others = dict.fromkeys(key[-1] for key in found)
    codes = list(dict.fromkeys(key[2:4] for key in found))

    def shown(*key: str, kind: str = "all") -> str:
        return number(found[key][kind]) if key in found else ""

    rows = [
        [of, dtype]
        + [shown(of, dtype, *code, size) for code in codes]
        + [shown(of, dtype, "GCC", "neon", size, kind=kind) for kind in ("memory", "simd")]
        for of, dtype in dict.fromkeys(key[:2] for key in found)
    ]
    columns = [f"{compiler}: {code}" for compiler, code in codes]
    kinds = ("GCC: neon, memory", "GCC: neon, float and SIMD")
    notes = [f"Instructions by elements of x, {size}"]
    for other in others:
        ratios = [
            found[of, dtype, compiler, code, other]["all"] / counts["all"]
            for (of, dtype, compiler, code, of_size), counts in found.items()
            if of_size == size and code == "neon"
        ]
        notes.append(f"at {other} neon takes {min(ratios):.2f} to {max(ratios):.2f} times as many")
    figures = [result.rows[row].figures for row in compilers.values()]
    notes += [figures[0]["emulator"], *(each["compiler"] for each in figures)]
    return Table("", ("pass", "type", *columns, *kinds), rows, ["; ".join(notes)], left=2)


def _startup(sdk: results.SdkResult) -> Table:
    """A sentence: what a user waits for before the first result."""
    figures = sdk.rows["startup"].figures
    names = ("import_milliseconds", "first_result_milliseconds")
    imported, first = (figures[name]["p50"] / 1e3 for name in names)
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


def _places(result: results.SdkResult) -> Table:
    """Pictures a second, and memory, of each place where they are restored."""
    places = {title: result.rows[name].figures for name, title in PLACES.items()}
    columns: Columns[tuple[str, dict[str, Any]]] = {
        "": lambda e: e[0],
        "workers": lambda e: str(e[1]["workers"]),
        "pictures a second": lambda e: number(e[1]["pictures_per_second"], 2),
        "a worker": lambda e: number(e[1]["pictures_per_second"] / e[1]["workers"], 2),
        "memory a worker": lambda e: f"{e[1]['worker_megabytes']} MB",
        "restored": lambda e: f"{e[1]['restored']} of {e[1]['pictures']}",
        "written twice": lambda e: str(e[1]["written_again"]),
    }
    *_, figures = places.values()
    note = (
        f"{figures['pictures']} pictures of {dimensions(figures['size'])}, holes of 5 to 15 %; "
        f"from the first result on. {measured_on(result)}"
    )
    return table_of("", places.items(), columns, [note])


def _load(result: results.SdkResult) -> Table:
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


def _scenes(result: EvaluationResult) -> Table:
    """A sentence: the undamaged scenes in which a detector marks most."""
    ours, *_ = result.model_dump()["methods"].values()
    marked = {name: of["marked"] for name, of in ours["undamaged"].items() if name not in CLEAN}
    worst = sorted(marked, key=marked.__getitem__, reverse=True)[:5]
    each = ", ".join(f"{name.replace('_', ' ')} {100 * marked[name]:.1f} %" for name in worst)
    return Table(notes=[f"Drawn undamaged scenes of which most is marked: {each}."])


KINDS: Mapping[str, Callable[..., Table | list[Table]]] = {
    "restoration": _restoration,
    "pairs": _pairs,
    "scores": _scores,
    "cost": cost,
    "roofline": _roofline,
    "scan": _scan,
    "instructions": _instructions,
    "startup": _startup,
    "places": _places,
    "load": _load,
    "evaluation": _evaluation,
    "scenes": _scenes,
}
