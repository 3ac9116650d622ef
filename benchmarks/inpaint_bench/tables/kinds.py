"""The kinds of tables: each from results to Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inpaint_bench.errors import BenchError
from inpaint_bench.schema.files import Result
from inpaint_bench.schema.floor import FloorResult
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import QualityResult
from inpaint_bench.schema.run import CandidateKey, Case, RunResult
from inpaint_bench.schema.sdk import SdkResult
from inpaint_bench.text.run import ratio_to, reference_of
from inpaint_bench.text.tables import Table, machine_in_words, number

TITLES = {
    "opencv-telea": "OpenCV Telea",
    "opencv-ns": "OpenCV Navier-Stokes",
    "skimage-biharmonic": "scikit-image biharmonic",
    "patchmatch": "PatchMatch",
    "damaged": "as it came",
    "spa-gan": "SpA-GAN",
}


def restoration(quality: Result, run: Result) -> str:
    """Quality and time of the same pictures under the same masks."""
    if not isinstance(quality, QualityResult) or not isinstance(run, RunResult):
        raise BenchError("a table of restoration is of quality= and run=")
    if (quality.pictures,) != (run.plan.pictures,):
        raise BenchError(f"quality is of {quality.pictures}, run is of {run.plan.pictures}")
    reference = reference_of(run)
    rows = []
    for group in quality.groups:
        case = _case(run, str(group.holes))
        times = {row.candidate: row.times for row in case.rows}
        for row in group.rows:
            key = _key(quality, row.candidate)
            if row.mean is None:
                continue
            over = ratio_to(case, row.candidate, reference)
            taken = times.get(row.candidate)
            rows.append(
                [
                    f"{group.holes} %",
                    _title(key),
                    f"{number(row.mean.psnr_hole, 2)} dB",
                    number(row.mean.ssim, 4),
                    number(row.mean.gmsd, 4),
                    "not measured" if taken is None else f"{taken.p50:.0f} ms",
                    "" if over is None else "{:.2f} ({:.2f} to {:.2f})".format(*over),
                ]
            )
    head = ("holes", "", "PSNR in the hole", "SSIM", "GMSD (less is better)", "time (median)")
    pictures = len(quality.groups[0].samples)
    return (
        f"{Table((*head, f'time over {_plain(reference)}'), rows, left=2)}\n"
        f"{quality.pictures}, {pictures} pictures; {run.plan.threads[0]} threads; "
        f"{machine_in_words(run.machine)}.{_remarks(run)}\n"
    )


def pairs(run: Result, **results: Result) -> str:
    """Pairs: as they came, and what models make of them, each under a name of its own.

    run: of scope network, for the time over that of the ONNX file that stands beside ours.
    """
    if not isinstance(run, RunResult):
        raise BenchError("a table of pairs has run=, of scope network")
    rows = []
    for result in results.values():
        if not isinstance(result, QualityResult):
            raise BenchError("a table of pairs is of quality results")
        others = [c.label for c in result.candidates if c.kind == "onnx"]
        for group in result.groups:
            for row in group.rows:
                if row.mean is not None:
                    rows.append(
                        [
                            result.pictures,
                            _title(_key(result, row.candidate)),
                            f"{row.mean.psnr:.2f} dB",
                            number(row.mean.ssim, 3),
                            number(row.mean.gmsd, 4),
                            _over(run, row.candidate, others),
                        ]
                    )
    (name,) = {c.name for c in run.plan.candidates if c.kind == "onnx"}
    head = ("pictures", "", "PSNR", "SSIM", "GMSD (less is better)", f"time over {_plain(name)}")
    threads = run.plan.threads[0]
    machine = f"{threads} threads; {machine_in_words(run.machine)}.{_remarks(run)}"
    return f"{Table(head, rows, left=2)}\nTime of the network alone at 256x256, {machine}\n"


def _over(run: RunResult, label: str, others: list[str]) -> str:
    for case in run.cases:
        for other in others:
            found = ratio_to(case, label, other)
            if found is not None and case.key.scope == "network" and case.key.size == (256, 256):
                return "{:.2f} ({:.2f} to {:.2f})".format(*found)
    return ""


def floors(floor: Result) -> str:
    """The least time of each network on each device."""
    if not isinstance(floor, FloorResult):
        raise BenchError("a table of floors is of floor=")
    head = ["", "size", "multiply-adds", *(device.name for device in floor.devices)]
    least = {(f.device, f.model, f.precision, f.size): f.least_ms for f in floor.floors}
    rows = [
        [
            f"`{n.model}`, {n.precision}",
            f"{n.size[0]}x{n.size[1]}",
            f"{n.multiply_adds / 1e9:.2f} G",
            *(_least(least.get((d.name, n.model, n.precision, n.size))) for d in floor.devices),
        ]
        for n in floor.networks
    ]
    return str(Table(head, rows, left=2))


def scan(kernels: Result) -> str:
    """The recurrent scan: bytes, bandwidth and ratios."""
    if not isinstance(kernels, KernelsResult):
        raise BenchError("a table of scan is of kernels=")
    rows = []
    for entry in kernels.shapes:
        found = {(r.of, r.to): r.ratio for r in entry.ratios}
        (row,) = (r for r in entry.rows if r.candidate == "scan")
        shown = (("ort function", "ort native"), ("naive backward", "backward"))
        rows.append(
            [
                "x".join(map(str, entry.shape)),
                number(row.times.p50, 2),
                number(None if row.bytes is None else row.bytes / row.times.p50 / 1e6),
                "" if row.bandwidth_share is None else str(row.bandwidth_share),
                *("" if pair not in found else f"{found[pair].value:.1f}" for pair in shown),
            ]
        )
    head = (
        "shape",
        "ms",
        "GB/s",
        "share of a copy's speed",
        "ONNX function over native",
        "PyTorch loop's backward over ours",
    )
    note = f"{kernels.threads} threads; {machine_in_words(kernels.machine)}.{_remarks(kernels)}"
    return f"{Table(head, rows)}\n{note}\n"


def startup(sdk: Result) -> str:
    """A sentence: what a user waits for before the first result."""
    if not isinstance(sdk, SdkResult) or "startup" not in sdk.rows:
        raise BenchError("a sentence on the start is of sdk=, with the row startup")
    figures = sdk.rows["startup"].figures
    imported, first = (
        figures[name]["p50"] / 1e3 for name in ("import_milliseconds", "first_result_milliseconds")
    )
    return (
        f"`import inpaint_sdk` takes {imported:.2f} s, a whole `inpaint-sdk restore` from the "
        f"start of the process\nto the written file {first:.2f} s.\n"
    )


KINDS: Mapping[str, Callable[..., str]] = {
    "restoration": restoration,
    "pairs": pairs,
    "floors": floors,
    "scan": scan,
    "startup": startup,
}


def _case(run: RunResult, holes: str) -> Case:
    for case in run.cases:
        if (case.key.holes, case.key.scope, case.key.batch) == (holes, "call", 1):
            return case
    raise BenchError(f"the run has no case of scope call with holes of {holes} %")


def _key(result: QualityResult, label: str) -> CandidateKey:
    return next(c for c in result.candidates if c.label == label)


def _title(key: CandidateKey) -> str:
    if key.kind != "model":
        return TITLES.get(key.name, key.name)
    precision = "" if key.precision == "fp32" else f", {key.precision}"
    backend = "" if key.backend == "onnxruntime-cpu" else f", {key.backend}"
    return f"**`{key.name}`**{precision}{backend}"


def _plain(label: str) -> str:
    return TITLES.get(label, label)


def _least(milliseconds: float | None) -> str:
    return "rate unknown" if milliseconds is None else f"≥ {milliseconds:.2f} ms"


def _remarks(result: RunResult | KernelsResult) -> str:
    return f" {result.remarks}" if result.remarks else ""
