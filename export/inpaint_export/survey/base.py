"""What every table is made of: its definition, its rows, and how they are timed and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_eval.machine import read_machine
from inpaint_eval.timing import time_in_turns
from inpaint_sdk.files import write_whole

BLOCKS = 20
"""In each, every method has a turn of some runs that are timed."""

CLOSE = 0.2
"""Difference of the first figure, in dB, below which rows are trained from further seeds."""

PHOTO_CODEBOOK = Path(__file__).parents[2] / "warm_starts" / "photo-codebook.onnx"
"""The file of that model, which is in the repository and not bundled."""

PERCEPTUAL = "perceptual distance"
"""Column of that figure, where it is available."""

PLAIN = ("SSIM", "gradient", PERCEPTUAL)
"""How the names of figures end that are not in dB."""

Figures = Mapping[str, float | None]
"""Figures of quality by the column's name: dB but for those that end as :data:`PLAIN` has it.

What stands before a colon in a name is the setting that it was measured in: each has a table.
"""


@dataclass(frozen=True)
class Published:
    """What the survey prints of a method: its name there, PSNR in dB, SSIM."""

    method: str
    psnr: float
    ssim: float


@dataclass(frozen=True)
class Row:
    """One line of a table; what is None does not apply.

    figures: means over the seeds. multiply_adds: of one picture of the table's size. milliseconds:
    median of one run. seeds: how many trainings there were. spread: half the range of each figure
    over them, where there were several. reason: why there are no figures, if there are none.
    """

    method: str
    figures: Figures = field(default_factory=dict)
    parameters: int | None = None
    multiply_adds: int | None = None
    milliseconds: float | None = None
    published: Published | None = None
    seeds: int = 1
    spread: Figures = field(default_factory=dict)
    reason: str = ""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Row:
        """A row of a table's result file."""
        published = document["published"]
        return cls(**{**document, "published": Published(**published) if published else None})


@dataclass(frozen=True)
class TableOptions:
    """What a table is made with.

    data: root of the recipes' data folders. weights: folder of the comparators' released weights,
    if it was given. runs: folder where the variants are trained, and resumed. steps: of each
    variant. seeds: of rows that are close to others. seed: of these trainings. only: methods that
    are trained; all, and what needs no training too, if None. pictures: file for pictures of three
    cases; none if None.
    """

    data: Path
    weights: Path | None
    runs: Path
    steps: int
    threads: int
    seeds: int = 1
    seed: int = 0
    only: frozenset[str] | None = None
    pictures: Path | None = None


@dataclass(frozen=True)
class Table:
    """One table.

    measure: trains the variants below ``options.runs`` and gives the rows. notes: how they were
    measured, from steps and threads. published: the survey's own figures by the method of the row
    that they stand beside. published_on: the data of these.
    """

    title: str
    measure: Callable[[TableOptions], Iterable[Row]]
    notes: Callable[[int, int], str]
    published: Mapping[str, Published] = field(default_factory=dict)
    published_on: str = ""


def run_table(name: str, table: Table, options: TableOptions) -> str:
    """Makes a table; see :func:`inpaint_export.survey.make_table`."""
    folder = options.runs / name
    folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(options.threads)
    options = replace(options, runs=folder, pictures=folder / f"{name}.jpg")
    rows = [
        replace(row, published=table.published.get(row.method))
        for row in _rows_of_all_seeds(table, options)
    ]
    document = {
        "table": name,
        "steps": options.steps,
        "threads": options.threads,
        "pictures": (folder / f"{name}.jpg").is_file(),
        "machine": asdict(read_machine()),
        "rows": [asdict(row) for row in rows],
    }
    text = render(table, document)
    write_whole(text.encode(), folder / f"{name}.md")
    write_whole((json.dumps(document, indent=2) + "\n").encode(), folder / f"{name}.json")
    return text


def _rows_of_all_seeds(table: Table, options: TableOptions) -> list[Row]:
    """All rows; those that are close to another are means over ``options.seeds`` trainings."""
    first = list(table.measure(options))
    runs = {row.method: [row] for row in first}
    close = close_methods(first)
    for seed in range(1, options.seeds if close else 1):
        folder = options.runs / f"seed-{seed}"
        folder.mkdir(exist_ok=True)
        again = replace(options, runs=folder, seed=seed, only=close, pictures=None)
        for row in table.measure(again):
            runs[row.method].append(row)
    return [mean_row(rows) for rows in runs.values()]


def close_methods(rows: Sequence[Row]) -> frozenset[str]:
    """Methods whose first figure is less than :data:`CLOSE` from another's."""
    first = [(next(iter(row.figures.values())), row.method) for row in rows if row.figures]
    ranked = sorted((figure, method) for figure, method in first if figure is not None)
    pairs = [(a, b) for a, b in pairwise(ranked) if b[0] - a[0] < CLOSE]
    return frozenset(method for pair in pairs for _, method in pair)


def mean_row(rows: Sequence[Row]) -> Row:
    """One row of the trainings of a method; all but its figures is the first one's."""
    if len(rows) == 1:
        return rows[0]
    columns = {
        name: [value for row in rows if (value := row.figures[name]) is not None]
        for name in rows[0].figures
    }
    means = {name: float(np.mean(found)) if found else None for name, found in columns.items()}
    spread = {
        name: float(np.ptp(found)) / 2.0 if found else None for name, found in columns.items()
    }
    return replace(rows[0], figures=means, spread=spread, seeds=len(rows))


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


def render(table: Table, document: Mapping[str, Any]) -> str:
    """A table's result file as Markdown: rows in each setting, notes, pictures."""
    rows = [Row.read(row) for row in document["rows"]]
    notes = table.notes(document["steps"], document["threads"])
    if table.published:
        notes += (
            " Published: PSNR and SSIM as the survey prints them, and its name of the method; "
            f"{table.published_on}."
        )
    if any(row.seeds > 1 for row in rows):
        notes += " ±: half the range over several seeds, of rows that are close to another."
    parts = [*_settings(table.title, rows), notes + "\n"]
    if document["pictures"]:
        parts.append(f"![Three cases by each method]({document['table']}.jpg)\n")
    return "\n".join(parts)


def markdown(title: str, rows: Sequence[Row]) -> str:
    """Rows as one Markdown table."""
    columns = list(dict.fromkeys(name for row in rows for name in row.figures))
    published = ["published"] if any(row.published for row in rows) else []
    names = ["method", *columns, *published, "parameters", "multiply-adds", "time"]
    alignment = ["---", *["---:"] * (len(names) - 1)]
    lines = [f"# {title}", "", f"| {' | '.join(names)} |", f"| {' | '.join(alignment)} |"]
    for row in rows:
        cells = (
            row.method,
            *_figures(row, columns),
            *(_published(row.published) for _ in published),
            "" if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
            "" if row.multiply_adds is None else f"{row.multiply_adds / 1e9:.2f} G",
            "" if row.milliseconds is None else f"{row.milliseconds:.1f} ms",
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
    def of_setting(figures: Figures) -> Figures:
        names = {name: name.rpartition(": ") for name in figures}
        return {names[n][2]: v for n, v in figures.items() if names[n][0] == setting}

    return replace(row, figures=of_setting(row.figures), spread=of_setting(row.spread))


def _figures(row: Row, columns: Sequence[str]) -> list[str]:
    if row.reason:
        return [row.reason, *[""] * (len(columns) - 1)]
    return [_figure(name, row.figures.get(name), row.spread.get(name)) for name in columns]


def _figure(name: str, value: float | None, spread: float | None) -> str:
    if value is None:
        return ""
    digits, unit = (3, "") if name.endswith(PLAIN) else (2, " dB")
    range_ = "" if spread is None else f" ± {spread:.{digits}f}"
    return f"{value:.{digits}f}{range_}{unit}"


def _published(found: Published | None) -> str:
    return "" if found is None else f"{found.method}: {found.psnr:.2f} dB, {found.ssim:.3f}"
