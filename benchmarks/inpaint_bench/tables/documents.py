"""Tables in Markdown files, generated from result files.

    <!-- inpaint-bench: KIND NAME=FILE.json NAME=FILE.json models=NAME,NAME -->
    ... generated ...
    <!-- inpaint-bench: end -->

Files are given from the Markdown file's folder. They must be of a clean revision that is in the
repository's history, and complete. A kind that shows what stands in a model file takes an .onnx
file in their place; some show only the models that are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inpaint_bench.errors import BenchError
from inpaint_bench.peers import PEERS
from inpaint_bench.schema import Result, read_result, require_kind
from inpaint_bench.schema.common import CandidateKey, EvaluationResult
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import Group, QualityResult
from inpaint_bench.schema.roofline import RooflineResult
from inpaint_bench.schema.run import Case, RunResult
from inpaint_bench.schema.sdk import SdkResult
from inpaint_bench.views import interval, machine_in_words
from inpaint_eval.evaluations import tables_of_evaluation
from inpaint_eval.machine.describe import git
from inpaint_eval.render import Table, dimensions, number, to_markdown
from inpaint_eval.scores import Score
from inpaint_sdk.models.file import ModelFile, read_model_file

TITLES = {
    **{name: peer.title for name, peer in PEERS.items()},
    "damaged": "as it came",
    "spa-gan": "SpA-GAN",
}

SCORES = ("PSNR in the hole", "SSIM", "GMSD (less is better)")

_TABLE = re.compile(
    r"(?P<begin><!-- inpaint-bench: (?P<kind>\S+) (?P<files>[^>]*?)\s*-->\n)"
    r".*?"
    r"(?P<end><!-- inpaint-bench: end -->)",
    re.DOTALL,
)


def fill_tables(text: str, folder: Path) -> str:
    """A Markdown file's text with every table made anew.

    Raises:
        BenchError: there is no table, or one of an unknown kind, or a file cannot be read, is not
            of a clean revision of this repository, or lacks what the table shows.
    """
    if not _TABLE.search(text):
        raise BenchError("there is no table to generate (<!-- inpaint-bench: KIND NAME=FILE -->)")
    return _TABLE.sub(lambda match: _fill(match, folder), text)


def _fill(match: re.Match[str], folder: Path) -> str:
    kind = match["kind"]
    if kind not in KINDS:
        raise BenchError(f"there is no kind of table {kind!r}; there are {', '.join(KINDS)}")
    arguments: dict[str, Any] = {}
    for entry in match["files"].split():
        name, _, value = entry.partition("=")
        arguments[name] = value.split(",")
        if value.endswith(".json"):
            arguments[name] = read_result(folder / value)
            require_revision(arguments[name], value)
        elif value.endswith(".onnx"):
            arguments[name] = read_model_file(folder / value)
    try:
        found = KINDS[kind](**arguments)
    except (TypeError, KeyError, AttributeError) as error:
        raise BenchError(f"a table of kind {kind} takes other files: {error!r}") from error
    tables = [found] if isinstance(found, Table) else found
    return match["begin"] + "\n\n".join(map(to_markdown, tables)) + "\n" + match["end"]


def require_revision(result: Result, name: str) -> None:
    """Raises ``BenchError`` unless a result is complete and of a clean revision that exists here.

    name: of its file, for the message.
    """
    revision = result.machine.revision
    if not result.is_complete:
        raise BenchError(f"{name} is not complete; the same command goes on with it")
    if revision is None:
        raise BenchError(f"{name} is of no known revision; measure again in a git checkout")
    if result.machine.dirty:
        raise BenchError(
            f"{name} was measured with changes since {revision}; commit them and measure again"
        )
    if git("merge-base", "--is-ancestor", revision, "HEAD") is None:
        raise BenchError(
            f"{name} is of revision {revision}, which is not in this repository's history; measure "
            "again (or, in a shallow clone: git fetch --unshallow)"
        )


def _restoration(**results: Result) -> Table:
    """Quality and time of the same pictures under the same masks.

    results: pairs ``quality`` and ``run``, or several with beginnings of their own, like
    ``small_quality`` and ``small_run``.
    """
    beginnings = [name.removesuffix("quality") for name in results if name.endswith("quality")]
    names = {f"{beginning}{kind}" for beginning in beginnings for kind in ("quality", "run")}
    if not beginnings or names != set(results):
        raise BenchError("a table of kind restoration takes pairs of quality= and run=")
    tables = [
        _restoration_of(
            require_kind(results[f"{beginning}quality"], QualityResult, "quality="),
            require_kind(results[f"{beginning}run"], RunResult, "run="),
        )
        for beginning in beginnings
    ]
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    return replace(tables[0], rows=[r for t in tables for r in t.rows], notes=list(notes))


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
    note = f"{pictures}; {run.plan.threads[0]} threads; {_measured_on(run)}"
    return Table("", ("holes", "", *SCORES, "time (median)", over), rows, [note], left=2)


def _pairs(run: Result, **results: Result) -> Table:
    """Pairs: as they came, and what models make of them, each under a name of its own.

    run: of scope network, for the time over that of the ONNX file that stands beside ours.
    """
    run = require_kind(run, RunResult, "run=")
    rows = []
    for name, result in results.items():
        quality = require_kind(result, QualityResult, f"{name}=")
        others = [c.label for c in quality.candidates if c.kind == "onnx"]
        rows += [
            [
                quality.pictures,
                title,
                f"{mean.psnr:.2f} dB",
                number(mean.ssim, 3),
                number(mean.gmsd, 4),
                _network_ratio(run, label, others),
            ]
            for _, label, title, mean in _measured(quality)
        ]
    (name,) = {c.name for c in run.plan.candidates if c.kind == "onnx"}
    scores = ("PSNR", "SSIM", "GMSD (less is better)")
    over = f"time over {TITLES.get(name, name)}"
    threads = f"{run.plan.threads[0]} threads"
    note = f"Time of the network alone at 256x256, {threads}; {_measured_on(run)}"
    return Table("", ("pictures", "", *scores, over), rows, [note], left=2)


def _network_ratio(run: RunResult, label: str, others: list[str]) -> str:
    for case in run.cases:
        for other in others:
            found = case.ratio(label, other)
            if found is not None and case.key.scope == "network" and case.key.size == (256, 256):
                return interval(found)
    return ""


def _scores(**results: Result) -> Table:
    """Quality alone, of results under names of their own."""
    rows = []
    for name, result in results.items():
        quality = require_kind(result, QualityResult, f"{name}=")
        rows += [
            [quality.pictures, group.title, title, *_scores_of(mean), number(mean.gradient_hole, 3)]
            for group, _, title, mean in _measured(quality)
        ]
    columns = ("pictures", "holes", "", *SCORES, "gradient in the hole")
    return Table("", columns, rows, left=3)


def _cost(roofline: Result, models: Sequence[str]) -> Table:
    """What networks hold, and what they compute."""
    roofline = require_kind(roofline, RooflineResult, "roofline=")
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


def _speed(run: Result, models: Sequence[str]) -> Table:
    """Times of models, and over the run's first candidate, at each size."""
    run = require_kind(run, RunResult, "run=")
    titles = {c.label: _title(c) for c in run.plan.candidates if c.name in models}
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
    reference = next(_title(c) for c in run.plan.candidates if c.label == run.reference)
    what = {"call": "The whole call", "network": "The network alone"}[scope]
    note = f"{what}, {threads} thread{'s' * (threads > 1)}; {_measured_on(run)}"
    columns = ("", "size", "time (median)", f"time over {reference.strip('*')}")
    return Table("", columns, rows, [note], left=2)


def _evaluation(result: Result) -> list[Table]:
    """All of what ``inpaint-export eval`` measured."""
    result = require_kind(result, EvaluationResult, "result=")
    return tables_of_evaluation(result.model_dump())


def _detection(model: ModelFile) -> Table:
    """What a detector's file says of how well it finds each kind of damage."""
    rows = [
        [
            row.data,
            row.kind,
            str(row.pictures),
            "" if row.f1 is None else number(row.f1, 3),
            f"{100 * row.false_positive_rate:.3f} %",
        ]
        for row in model.info.detection
    ]
    columns = ("pictures", "damage", "", "F1", "undamaged pixels marked")
    return Table("", columns, rows, [f"As its file has it, digest {model.info.digest[:12]}."], 2)


def _roofline(roofline: Result) -> Table:
    """The least time of each network on each device."""
    roofline = require_kind(roofline, RooflineResult, "roofline=")
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


def _scan(kernels: Result) -> Table:
    """The recurrent scan: bytes, bandwidth and ratios."""
    kernels = require_kind(kernels, KernelsResult, "kernels=")
    rows = []
    for entry in kernels.shapes:
        found = {(r.of, r.to): r.ratio for r in entry.ratios}
        (row,) = (r for r in entry.rows if r.candidate == "scan")
        shown = (("ort function", "ort native"), ("naive backward", "backward"))
        rows.append(
            [
                dimensions(entry.shape),
                number(row.times.p50, 2),
                number(None if row.bytes is None else row.bytes / row.times.p50 / 1e6),
                "" if row.bandwidth_share is None else str(row.bandwidth_share),
                *("" if pair not in found else f"{found[pair].value:.1f}" for pair in shown),
            ]
        )
    ratios = ("ONNX function over native", "PyTorch loop's backward over ours")
    columns = ("shape", "ms", "GB/s", "share of a copy's speed", *ratios)
    return Table("", columns, rows, [f"{kernels.threads} threads; {_measured_on(kernels)}"])


def _startup(sdk: Result) -> Table:
    """A sentence: what a user waits for before the first result."""
    rows = require_kind(sdk, SdkResult, "sdk=").rows
    if "startup" not in rows:
        raise BenchError("a sentence on the start is of a result with the row startup")
    figures = rows["startup"].figures
    imported, first = (
        figures[name]["p50"] / 1e3 for name in ("import_milliseconds", "first_result_milliseconds")
    )
    note = (
        f"`import inpaint_sdk` takes {imported:.2f} s, a whole `inpaint-sdk restore` from the "
        f"start of the process\nto the written file {first:.2f} s."
    )
    return Table(notes=[note])


def _measured(quality: QualityResult) -> Iterator[tuple[Group, str, str, Score]]:
    """Each candidate's label, title and mean in each group, where it did not fail."""
    titles = {candidate.label: _title(candidate) for candidate in quality.candidates}
    for group in quality.groups:
        for row in group.rows:
            if row.mean is not None:
                yield group, row.candidate, titles[row.candidate], row.mean


def _scores_of(mean: Score) -> list[str]:
    return [f"{number(mean.psnr_hole, 2)} dB", number(mean.ssim, 4), number(mean.gmsd, 4)]


KINDS: Mapping[str, Callable[..., Table | list[Table]]] = {
    "restoration": _restoration,
    "pairs": _pairs,
    "scores": _scores,
    "cost": _cost,
    "speed": _speed,
    "evaluation": _evaluation,
    "detection": _detection,
    "roofline": _roofline,
    "scan": _scan,
    "startup": _startup,
}


def _case(run: RunResult, holes: str) -> Case:
    for case in run.cases:
        if (case.key.holes, case.key.scope, case.key.batch) == (holes, "call", 1):
            return case
    raise BenchError(f"the run has no case of scope call with holes of {holes} %")


def _title(key: CandidateKey) -> str:
    if key.kind != "model":
        return TITLES.get(key.name, key.name)
    precision = "" if key.precision == "fp32" else f", {key.precision}"
    backend = "" if key.backend == "onnxruntime-cpu" else f", {key.backend}"
    return f"**`{key.name}`**{precision}{backend}"


def _measured_on(result: RunResult | KernelsResult) -> str:
    remarks = f" {result.remarks}" if result.remarks else ""
    return f"{machine_in_words(result.machine)}.{remarks}"
