"""What every table is made of: its definition, its rows, and how they are timed and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cv2
from tqdm import tqdm

from inpaint_eval.machine import read_machine
from inpaint_eval.timing import time_in_turns
from inpaint_export.model_document import write_whole

BLOCKS = 20
"""In each, every method has a turn of some runs that are timed."""

MEASURED = "measured"

PERCEPTUAL = "perceptual distance"
"""Column of that figure, where it is available."""

Figures = Mapping[str, float | None]
"""Figures of quality by the column's name: dB but for SSIM and ratios of gradients.

What stands before a colon in a name is the setting that it was measured in: each has a table.
"""


@dataclass(frozen=True)
class Row:
    """One line of a table; what is None does not apply, or was not published.

    multiply_adds: of one picture of the table's size. milliseconds: median of one run. source:
    :data:`MEASURED`, or "published" and on what data.
    """

    method: str
    figures: Figures = field(default_factory=dict)
    parameters: int | None = None
    multiply_adds: int | None = None
    milliseconds: float | None = None
    source: str = MEASURED


@dataclass(frozen=True)
class TableOptions:
    """What a table is made with.

    data: root of the recipes' data folders. weights: folder of the comparators' released weights,
    if it was given. runs: folder where the variants are trained, and resumed. steps: of each
    variant.
    """

    data: Path
    weights: Path | None
    runs: Path
    steps: int
    threads: int


@dataclass(frozen=True)
class Table:
    """One table.

    measure: trains the variants below ``options.runs`` and gives the measured rows. notes: how they
    were measured, from steps and threads. published: method, PSNR in dB and SSIM of the survey's
    own rows. published_on: the data of these.
    """

    title: str
    measure: Callable[[TableOptions], Iterable[Row]]
    notes: Callable[[int, int], str]
    published: tuple[tuple[str, float, float], ...] = ()
    published_on: str = ""

    def published_rows(self) -> list[Row]:
        """The survey's own rows."""
        source = f"published, {self.published_on}"
        return [Row(m, {"PSNR": p, "SSIM": s}, source=source) for m, p, s in self.published]


def run_table(name: str, table: Table, options: TableOptions) -> str:
    """Makes a table; see :func:`inpaint_export.survey.make_table`."""
    folder = options.runs / name
    folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(options.threads)
    rows = [*table.measure(replace(options, runs=folder)), *table.published_rows()]
    text = render(table, rows, options.steps, options.threads)
    document = {
        "table": name,
        "steps": options.steps,
        "threads": options.threads,
        "machine": asdict(read_machine()),
        "rows": [asdict(row) for row in rows],
    }
    write_whole(text.encode(), folder / f"{name}.md")
    write_whole((json.dumps(document, indent=2) + "\n").encode(), folder / f"{name}.json")
    return text


def timed_rows(
    runs: Mapping[str, Callable[[], object]], measure: Callable[[str], Figures]
) -> list[Row]:
    """Rows of methods that are all timed in turn.

    runs: one run of each method. measure: figures of quality of the method of that name.
    """
    times = time_in_turns(runs, blocks=BLOCKS)
    return [
        Row(name, measure(name), milliseconds=times[name].p50)
        for name in tqdm(runs, desc="quality", unit="method")
    ]


def render(table: Table, rows: Sequence[Row], steps: int, threads: int) -> str:
    """A table as Markdown: measured rows in each setting, notes, published rows."""
    measured = [row for row in rows if row.source == MEASURED]
    published = [row for row in rows if row.source != MEASURED]
    parts = [*_settings(table.title, measured), table.notes(steps, threads) + "\n"]
    if published:
        parts.append(markdown("As published", published))
    return "\n".join(parts)


def markdown(title: str, rows: Sequence[Row]) -> str:
    """Rows as one Markdown table."""
    columns = list(dict.fromkeys(name for row in rows for name in row.figures))
    names = ["method", *columns, "parameters", "multiply-adds", "time", "source"]
    alignment = ["---", *["---:"] * (len(columns) + 3), "---"]
    lines = [f"# {title}", "", f"| {' | '.join(names)} |", f"| {' | '.join(alignment)} |"]
    for row in rows:
        cells = (
            row.method,
            *(_figure(name, row.figures.get(name)) for name in columns),
            "" if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
            "" if row.multiply_adds is None else f"{row.multiply_adds / 1e9:.2f} G",
            "" if row.milliseconds is None else f"{row.milliseconds:.1f} ms",
            row.source,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def count_threads(threads: int) -> str:
    """For notes: "1 thread", "2 threads"."""
    return "1 thread" if threads == 1 else f"{threads} threads"


def _settings(title: str, rows: Sequence[Row]) -> list[str]:
    settings = dict.fromkeys(name.rpartition(": ")[0] for row in rows for name in row.figures)
    return [
        markdown(f"{title}: {setting}" if setting else title, [_only(setting, r) for r in rows])
        for setting in settings
    ]


def _only(setting: str, row: Row) -> Row:
    names = {name: name.rpartition(": ") for name in row.figures}
    figures = {names[n][2]: v for n, v in row.figures.items() if names[n][0] == setting}
    return replace(row, figures=figures)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if name.endswith(("SSIM", "gradient", PERCEPTUAL)) else f"{value:.2f} dB"
