"""Results as one HTML page: tables and plots, without a script, that needs nothing else."""

from __future__ import annotations

import base64
import html
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from inpaint_bench.plots import Plot, latency_plot, roofline_plot, tradeoff_plot
from inpaint_bench.render import to_html
from inpaint_bench.schema import Result
from inpaint_bench.schema.quality import Group, QualityResult
from inpaint_bench.schema.roofline import RooflineResult
from inpaint_bench.schema.run import Case, RunResult
from inpaint_bench.views import tables_of

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem;
       color: #222; background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; min-width: 5.5rem; border-bottom: 1px solid #ddd;
         text-align: left; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0; } img { width: 100%; max-width: 40rem; height: auto; }
.strip { max-width: none; width: auto; max-height: 18rem; }
figcaption { font-size: .85rem; color: #555; }
"""


def make_page(results: Sequence[tuple[str, Result]], fps: float, gallery: Path | None) -> str:
    """results: file names and what is in them. gallery: folder of ``quality``'s pictures."""
    body = "\n".join(_body(results, fps, gallery))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>inpaint-bench</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def _body(results: Sequence[tuple[str, Result]], fps: float, gallery: Path | None) -> Iterator[str]:
    yield "<h1>Image restoration, measured</h1>"
    found = [plot for pair in _pairs(results) for plot in _tradeoffs(*pair)]
    if found:
        yield "<h2>Quality against time</h2>"
        yield from (_figure(plot) for plot in found)
    for name, result in results:
        yield f"<h2>{html.escape(name)}</h2>"
        yield f"<p>{html.escape(result.started)}</p>"
        if result.remarks:
            yield f"<p>{html.escape(result.remarks)}</p>"
        yield from (to_html(table) for table in tables_of(result, fps))
        yield from (_figure(plot) for plot in _plots(result))
    if gallery is not None:
        yield "<h2>Pictures</h2>"
        yield from (_picture(path) for path in sorted(gallery.glob("*.jpg")))


def _plots(result: Result) -> Iterator[Plot]:
    if isinstance(result, RunResult):
        for case in result.cases:
            if any(row.times is not None for row in case.rows):
                yield latency_plot(case)
    if isinstance(result, RooflineResult):
        for precision in sorted({network.precision for network in result.networks}):
            if any(precision in device.multiply_adds for device in result.devices):
                yield roofline_plot(result, precision)


def _pairs(results: Sequence[tuple[str, Result]]) -> Iterator[tuple[RunResult, QualityResult]]:
    """Speed and quality of the same pictures."""
    runs = [r for _, r in results if isinstance(r, RunResult)]
    qualities = [r for _, r in results if isinstance(r, QualityResult)]
    for one, other in itertools.product(runs, qualities):
        if one.plan.pictures == other.pictures:
            yield one, other


def _tradeoffs(one: RunResult, other: QualityResult) -> Iterator[Plot]:
    for case, group in itertools.product(one.cases, other.groups):
        same = (case.key.holes, one.plan.masks) == (group.holes, group.mask_kind)
        points = _points(case, group) if same and case.key.scope == "call" else {}
        if points:
            title = f"{other.pictures}, {group.title}, {case.key.threads} threads"
            yield tradeoff_plot(title, points)


def _points(case: Case, group: Group) -> dict[str, tuple[float, float]]:
    times = {row.candidate: row.times.p50 for row in case.rows if row.times is not None}
    return {
        row.candidate: (times[row.candidate], row.mean.psnr_hole)
        for row in group.rows
        if row.candidate in times and row.mean is not None and row.mean.psnr_hole is not None
    }


def _figure(plot: Plot) -> str:
    data = base64.b64encode(plot.svg.encode()).decode()
    return (
        f'<figure><img alt="{html.escape(plot.text)}" src="data:image/svg+xml;base64,{data}">'
        f"</figure>"
    )


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    name = html.escape(path.stem.replace("-", " "))
    return (
        f'<figure><figcaption>{name}</figcaption><div class="wide"><img class="strip" alt="{name}" '
        f'src="data:image/jpeg;base64,{data}"></div></figure>'
    )
