"""What every table is made of: rows, variants that are trained alike, and how they are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import nn
from tqdm import tqdm

from inpaint_eval.machine import read_machine
from inpaint_eval.timing import time_in_turns
from inpaint_export.model_document import write_whole
from inpaint_export.recipes import Recipe
from inpaint_export.training.loop import Trainer
from inpaint_export.training.objective import Objective

BLOCKS = 8
"""In each, every method has a turn of some runs that are timed."""


Method = Callable[..., Any]
"""Restores a picture, with or without a mask, as the table has it."""


@dataclass(frozen=True)
class Row:
    """One line of a table; what is None does not apply, or was not published.

    figures: of quality, by the column's name; dB but for SSIM and ratios of gradients.
    multiply_adds: of one picture of the table's size. milliseconds: median of one run. source:
    "measured", or "published" for the survey's own figures.
    """

    method: str
    figures: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    multiply_adds: int | None = None
    milliseconds: float | None = None
    source: str = "measured"


@dataclass(frozen=True)
class Variant:
    """A network that is trained as the recipe says but for how it is built, and by which losses.

    objective: in the place of the recipe's, if given.
    """

    method: str
    folder: str
    build: Callable[[], nn.Module]
    objective: Callable[[nn.Module], Objective] | None = None


@dataclass(frozen=True)
class TableOptions:
    """What a table is made with.

    data: root of the recipes' data folders. weights: folder of the comparators' released weights,
    if it was given. runs: folder where the variants are trained, and taken up again. steps: of each
    variant.
    """

    data: Path
    weights: Path | None
    runs: Path
    steps: int
    threads: int


def train_variant(variant: Variant, recipe: Recipe, options: TableOptions) -> nn.Module:
    """Trains a variant for ``options.steps``, or takes up where its folder is; returns it averaged.

    Every variant of a table sees the same items in the same order from the same seed.
    """
    torch.set_num_threads(options.threads)
    recipe = replace(
        recipe,
        name=f"{recipe.name}-{variant.folder}",
        build=variant.build,
        objective=variant.objective or recipe.objective,
    )
    folder = options.runs / variant.folder
    trainer = Trainer(recipe, options.data, folder, steps=options.steps)
    if trainer.step < options.steps:
        trainer.run()
    model: nn.Module = trainer.ema.module.eval()
    return model


def timed_rows(
    methods: Mapping[str, Method],
    example: tuple[Any, ...],
    measure: Callable[[Method], Mapping[str, float]],
) -> list[Row]:
    """Rows of methods that need no training.

    example: what every method is run on for its time. measure: a method's figures of quality.
    """
    runs = {name: partial(run, *example) for name, run in methods.items()}
    times = time_in_turns(runs, blocks=BLOCKS)
    return [
        Row(name, measure(run), milliseconds=times[name].p50)
        for name, run in tqdm(methods.items(), desc="quality", unit="method")
    ]


def markdown(title: str, rows: Sequence[Row]) -> str:
    """The table as people read it."""
    columns = list(dict.fromkeys(name for row in rows for name in row.figures))
    names = ["method", *columns, "parameters", "multiply-adds", "time", "source"]
    sides = ["---", *["---:"] * (len(columns) + 3), "---"]
    lines = [f"# {title}", "", f"| {' | '.join(names)} |", f"| {' | '.join(sides)} |"]
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


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if name.endswith(("SSIM", "gradient")) else f"{value:.2f} dB"


def published_rows(figures: Sequence[tuple[str, float, float]], data: str) -> list[Row]:
    """The survey's own rows, from (method, PSNR, SSIM). data: what they were measured on."""
    return [
        Row(method, {"PSNR": psnr, "SSIM": ssim}, source=f"published, {data}")
        for method, psnr, ssim in figures
    ]


def open_table(name: str, options: TableOptions) -> TableOptions:
    """Options whose ``runs`` is the table's own folder, which is made."""
    options = replace(options, runs=options.runs / name)
    options.runs.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(options.threads)
    return options


def finish_table(
    name: str,
    options: TableOptions,
    measured: str,
    rows: Sequence[Row],
    notes: str,
    published: Sequence[Row],
) -> str:
    """Puts a table of the survey together and writes it.

    measured: the ``rows`` as people read them. notes: how they were measured. published: the
    survey's own rows.
    """
    text = "\n".join((measured, notes, markdown("As published", published)))
    write_table(name, text, [*rows, *published], options)
    return text


def write_table(name: str, text: str, rows: Sequence[Row], options: TableOptions) -> None:
    """Writes a table for people, and for programs with the machine that it was measured on."""
    write_whole(text.encode(), options.runs / f"{name}.md")
    document = {
        "table": name,
        "steps": options.steps,
        "threads": options.threads,
        "machine": asdict(read_machine()),
        "rows": [asdict(row) for row in rows],
    }
    path = options.runs / f"{name}.json"
    write_whole((json.dumps(document, indent=2) + "\n").encode(), path)
