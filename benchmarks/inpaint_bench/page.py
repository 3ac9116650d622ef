"""Results as one HTML page: tables and plots, without a script, that needs nothing else."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np

from inpaint_bench.schema import Result
from inpaint_bench.schema.results import Case, QualityResult, RunResult
from inpaint_bench.tables.whole import tables_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = (
    "tableau-colorblind10",
    {"font.size": 9, "axes.titlesize": 8, "axes.grid": True, "grid.color": "#dddddd"},
)


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
    runs = [result for result in results.values() if isinstance(result, RunResult)]
    qualities = [result for result in results.values() if isinstance(result, QualityResult)]
    for run, quality in itertools.product(runs, qualities):
        for case, group in itertools.product(run.cases, quality.groups):
            here = (run.plan.pictures, run.plan.masks, case.key.holes, case.key.scope)
            means = {row.candidate: row.mean for row in group.rows}
            points = {
                row.candidate: (row.times.p50, mean.psnr_hole)
                for row in case.rows
                if row.times and (mean := means.get(row.candidate)) and mean.psnr_hole is not None
            }
            if points and here == (quality.pictures, group.mask_kind, group.holes, "call"):
                title = f"{quality.pictures}, {group.title}, {case.key.threads} threads"
                yield tradeoff_plot(title, points)


@dataclass(frozen=True)
class Plot:
    """An SVG image, of a phone's width, so that its letters stay readable there.

    text: what it shows, for those who do not see it.
    """

    text: str
    svg: bytes


def _plot(text: str, title: str, x: str, y: str, draw: Callable[[Axes], None]) -> Plot:
    """x, y: the axes' labels; x is logarithmic, in plain numbers."""
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    with style.context([*STYLE, {"svg.hashsalt": title}]):
        figure = Figure(figsize=(4.2, 3.4), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set(title=title, xlabel=x, ylabel=y, xscale="log")
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        target = io.BytesIO()
        # Without a date, the same results give the same page.
        figure.savefig(target, format="svg", metadata={"Date": None})
    return Plot(text, target.getvalue())


def latency_plot(case: Case) -> Plot:
    """For each candidate, the share of calls that were done within a time."""
    times = {row.candidate: row.times for row in case.rows if row.times is not None}
    medians = ", ".join(f"{name} {found.p50:.2f} ms" for name, found in times.items())

    def draw(axes: Axes) -> None:
        for name, found in times.items():
            calls = np.sort(found.as_turns().calls)
            share = np.arange(1, len(calls) + 1) / len(calls) * 100
            axes.step(calls, share, where="post", label=name)
        axes.set_ylim(0, 101)
        axes.legend(fontsize=7, loc="lower right")

    text = f"share of calls within a time; medians: {medians}"
    return _plot(text, str(case.key), "milliseconds of a call", "% of calls done within", draw)


def tradeoff_plot(title: str, points: Mapping[str, tuple[float, float]]) -> Plot:
    """points: label to (milliseconds, dB)."""
    found = ", ".join(f"{name} {db:.2f} dB in {ms:.1f} ms" for name, (ms, db) in points.items())

    def draw(axes: Axes) -> None:
        for name, point in points.items():
            axes.plot(*([value] for value in point), "o")
            axes.annotate(name, point, textcoords="offset points", xytext=(4, 4), fontsize=7)
        axes.margins(x=0.35, y=0.15)

    x = "milliseconds of a picture (median)"
    return _plot(f"quality against time: {found}", title, x, "PSNR in the hole, dB", draw)
