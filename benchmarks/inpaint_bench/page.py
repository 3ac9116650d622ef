"""Results as one HTML page: tables and plots, without a script, that needs nothing else."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import jinja2

from inpaint_bench.plots import Plot, latency_plot, tradeoff_plot
from inpaint_bench.schema import Result
from inpaint_bench.schema.quality import Group, QualityResult
from inpaint_bench.schema.run import Case, RunResult
from inpaint_bench.tables.whole import tables_of


def make_page(results: Mapping[str, Result], gallery: Path | None) -> str:
    """results: by file name. gallery: folder of ``quality``'s pictures."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    template = environment.from_string(Path(__file__).with_name("page.html").read_text("utf-8"))
    strips = [] if gallery is None else sorted(gallery.glob("*.jpg"))
    return template.render(
        tradeoffs=list(_tradeoffs(results)),
        results=[(name, r, list(tables_of(r)), list(_latencies(r))) for name, r in results.items()],
        strips=[(path.stem.replace("-", " "), path.read_bytes()) for path in strips],
    )


def _latencies(result: Result) -> Iterator[Plot]:
    cases = result.cases if isinstance(result, RunResult) else []
    return (latency_plot(case) for case in cases if any(row.times for row in case.rows))


def _tradeoffs(results: Mapping[str, Result]) -> Iterator[Plot]:
    """Of runs and qualities of the same pictures under the same masks."""
    for run, quality in itertools.product(results.values(), repeat=2):
        if not isinstance(run, RunResult) or not isinstance(quality, QualityResult):
            continue
        for case, group in itertools.product(run.cases, quality.groups):
            here = (run.plan.pictures, run.plan.masks, case.key.holes, case.key.scope)
            if here != (quality.pictures, group.mask_kind, group.holes, "call"):
                continue
            title = f"{quality.pictures}, {group.title}, {case.key.threads} threads"
            if points := _points(case, group):
                yield tradeoff_plot(title, points)


def _points(case: Case, group: Group) -> dict[str, tuple[float, float]]:
    times = {row.candidate: row.times.p50 for row in case.rows if row.times is not None}
    return {
        row.candidate: (times[row.candidate], row.mean.psnr_hole)
        for row in group.rows
        if row.candidate in times and row.mean is not None and row.mean.psnr_hole is not None
    }
