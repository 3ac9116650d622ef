"""What the tables of inpainting families share: data, figures, times and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from torch import nn
from tqdm import tqdm

from inpaint_eval.cost import read_network
from inpaint_eval.scores import Pixels
from inpaint_eval.timing import time_in_turns
from inpaint_export.large_holes import HOLES, Holed, holed_pictures, measure_holes
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import Recipe
from inpaint_export.runtime import random_run
from inpaint_export.tables.base import Row, TableOptions, Variant, markdown, train_variant
from inpaint_sdk import Restorer
from inpaint_sdk.models.zoo import open_model

SIDE = 256
"""Of the square picture that costs and times are for, in pixels."""

FOLDERS = ("photos/kodak24", "paris")
"""Of pictures that no model is trained on, below the data root."""

SHOWN = 6
"""Pictures of each kind in a strip."""

BLOCKS = 40


def measured_rows(
    variants: Sequence[Variant], shipped: Sequence[str], recipe: Recipe, options: TableOptions
) -> list[Row]:
    """Trains the variants of a recipe, and measures them as :func:`measured_models` does."""
    models = {v.method: train_variant(v, recipe, options) for v in variants}
    return measured_models(models, shipped, recipe, options)


def measured_models(
    models: Mapping[str, nn.Module], shipped: Sequence[str], recipe: Recipe, options: TableOptions
) -> list[Row]:
    """Measures networks, by method, and shipped models, all in one process.

    shipped: names of models that come with the package. recipe: which the networks' files are
    described by. Writes those files, and strips of pictures, one for each folder and kind of holes,
    below ``options.runs``: damaged, by each method, and true.
    """
    files: dict[str, Path] = {}
    for method, model in models.items():
        files[method] = options.runs / f"{method.replace(' ', '-')}.onnx"
        export_model(model, recipe, files[method])
    for name in shipped:
        files[f"`{name}`"] = open_model(name).path
    costs = {m: read_network(open_model(path), SIDE, SIDE) for m, path in files.items()}
    runs = {method: random_run(path, SIDE, SIDE, options.threads) for method, path in files.items()}
    times = time_in_turns(runs, blocks=BLOCKS)
    rows = {
        method: Row(
            method,
            {},
            costs[method].parameters,
            costs[method].multiply_adds,
            times[method].p50,
        )
        for method in files
    }
    restorers = {m: Restorer.load(path, threads=options.threads) for m, path in files.items()}
    for setting, samples in _settings(options.data):
        for method in tqdm(files, desc=setting, unit="method"):
            found = measure_holes(restorers[method].restore, samples)
            figures = {
                f"{setting}: PSNR in the hole": found.psnr_hole,
                f"{setting}: SSIM": found.ssim,
                f"{setting}: gradient": found.gradient_ratio,
            }
            rows[method] = replace(rows[method], figures={**rows[method].figures, **figures})
        strip = _strip({m: r.restore for m, r in restorers.items()}, samples)
        cv2.imwrite(
            str(options.runs / f"{setting.replace(' %', '').replace(', ', '-')}.png"), strip
        )
    return list(rows.values())


def markdown_by_setting(title: str, rows: Sequence[Row]) -> str:
    """A table for each folder and kind of holes."""
    settings = list(dict.fromkeys(key.split(": ")[0] for row in rows for key in row.figures))
    parts = [
        markdown(f"{title}: {setting}", [_only(setting, row) for row in rows])
        for setting in settings
    ]
    return "\n".join(parts)


def _only(setting: str, row: Row) -> Row:
    start = f"{setting}: "
    figures = {k.removeprefix(start): v for k, v in row.figures.items() if k.startswith(start)}
    return replace(row, figures=figures)


def _settings(data: Path) -> Iterator[tuple[str, list[Holed]]]:
    for folder in FOLDERS:
        for holes in HOLES:
            name = f"{Path(folder).name}, {holes}"
            yield name, holed_pictures(data / folder, data / "masks", holes)


def _strip(
    methods: Mapping[str, Callable[[Pixels, Pixels], Pixels]], samples: Sequence[Holed]
) -> Pixels:
    """One row a picture: with its hole in grey, by each method, and as it is."""
    chosen = samples[:: max(1, len(samples) // SHOWN)][:SHOWN]
    rows = []
    for sample in chosen:
        damaged = np.where(sample.mask[..., None] > 0, np.uint8(128), sample.picture)
        made = [restore(sample.picture, sample.mask) for restore in methods.values()]
        rows.append(np.hstack([damaged, *made, sample.picture]))
    width = max(row.shape[1] for row in rows)
    padded = [cv2.copyMakeBorder(r, 0, 0, 0, width - r.shape[1], cv2.BORDER_CONSTANT) for r in rows]
    return np.vstack(padded).astype(np.uint8, copy=False)
