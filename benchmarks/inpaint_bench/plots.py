"""Plots as SVG, of a phone's width, so that their letters stay readable there."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inpaint_bench.schema.run import Case

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (4.2, 3.4)

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, which people who see fewer colours can tell apart."""


@dataclass
class Plot:
    """An SVG image. text: what it shows, for those who do not see it."""

    title: str
    text: str
    svg: bytes = b""


@contextmanager
def _drawn(plot: Plot) -> Iterator[Axes]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": plot.title, "font.size": 9, "axes.grid": True}):
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.subplots()
        axes.grid(color="#dddddd", linewidth=0.5)
        axes.set_title(plot.title, fontsize=8)
        yield axes
        target = io.BytesIO()
        # Without a date, the same results give the same page.
        figure.savefig(target, format="svg", metadata={"Date": None})
        plot.svg = target.getvalue()


def latency_plot(case: Case) -> Plot:
    """For each candidate, the share of calls that were done within a time."""
    rows = [row for row in case.rows if row.times is not None]
    medians = ", ".join(f"{r.candidate} {r.times.p50:.2f} ms" for r in rows if r.times)
    plot = Plot(str(case.key), f"share of calls within a time; medians: {medians}")
    with _drawn(plot) as axes:
        for row, colour in zip(rows, _colours(len(rows)), strict=True):
            assert row.times is not None
            times = np.sort(row.times.as_turns().calls)
            share = np.arange(1, len(times) + 1) / len(times) * 100
            axes.step(times, share, where="post", color=colour, label=row.candidate)
        _plain_log_scale(axes)
        axes.set_xlabel("milliseconds of a call")
        axes.set_ylabel("% of calls done within")
        axes.set_ylim(0, 101)
        axes.legend(fontsize=7, loc="lower right")
    return plot


def tradeoff_plot(title: str, points: Mapping[str, tuple[float, float]]) -> Plot:
    """points: label to (milliseconds, dB)."""
    found = ", ".join(f"{name} {db:.2f} dB in {ms:.1f} ms" for name, (ms, db) in points.items())
    plot = Plot(title, f"quality against time: {found}")
    with _drawn(plot) as axes:
        for (name, (ms, db)), colour in zip(points.items(), _colours(len(points)), strict=True):
            axes.plot([ms], [db], "o", color=colour)
            axes.annotate(name, (ms, db), textcoords="offset points", xytext=(4, 4), fontsize=7)
        _plain_log_scale(axes)
        axes.margins(x=0.35, y=0.15)
        axes.set_xlabel("milliseconds of a picture (median)")
        axes.set_ylabel("PSNR in the hole, dB")
    return plot


def _plain_log_scale(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _colours(count: int) -> Sequence[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]
