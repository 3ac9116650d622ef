"""Networks of a table: variants that are trained alike, and models that are shipped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from inpaint_eval.cost import read_network
from inpaint_eval.sessions import open_session
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes.base import Recipe
from inpaint_export.survey.base import Figures, Row, TableOptions, count_threads, timed_rows
from inpaint_export.training.loop import Trainer
from inpaint_export.training.objective import Objective
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import Initialisation
from inpaint_sdk import Restorer
from inpaint_sdk.files import write_whole
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.zoo import open_model

Method = Callable[..., Any]
"""Restores a picture, with or without a mask, as the table has it."""

FROM_NOTHING = OptimConfig(lr=1e-3, betas=(0.5, 0.99), warmup=100, ema=0.998)
"""Of all comparators: a short warm-up for a short training, and a GAN's first moment."""

SEED_STEP = 1000
"""Between the seeds of one variant's trainings."""


@dataclass(frozen=True)
class Variant:
    """A network that is trained as the recipe says but for how it is built, and by which losses.

    objective: in the place of the recipe's, if given.
    """

    method: str
    folder: str
    build: Callable[[], nn.Module]
    objective: Callable[[nn.Module], Objective] | None = None

    def recipe(self, recipe: Recipe) -> Recipe:
        """What this variant is trained by, from the table's recipe."""
        return replace(recipe, build=self.build, objective=self.objective or recipe.objective)


@dataclass(frozen=True)
class Comparator(Variant):
    """Another's method, trained on the recipe's items, from nothing but what ``start`` gives."""

    start: Initialisation | None = None
    outputs: tuple[str, ...] = ("output",)

    def recipe(self, recipe: Recipe) -> Recipe:
        """What this comparator is trained by, from the table's recipe."""
        return replace(
            super().recipe(recipe),
            family="comparator",
            start=self.start,
            outputs=self.outputs,
            optim=FROM_NOTHING,
            storage="fp32",
        )


def train_variants(
    variants: Iterable[Variant], recipe: Recipe, options: TableOptions
) -> dict[str, Path]:
    """Trains those variants of a recipe that the options name; gives their model files by method.

    See :func:`train_recipe`.
    """
    files = {}
    for variant in variants:
        if options.only is None or variant.method in options.only:
            own = variant.recipe(recipe)
            model = train_recipe(own, variant.folder, options)
            files[variant.method] = options.runs / f"{variant.folder}.onnx"
            export_model(model, own, files[variant.method])
    return files


def train_recipe(recipe: Recipe, folder: str, options: TableOptions) -> nn.Module:
    """Trains for ``options.steps``, or resumes where the folder is; returns the averaged network.

    Every variant of a table sees the same items in the same order from the same seed.
    """
    torch.set_num_threads(options.threads)
    seed = recipe.seed + SEED_STEP * options.seed
    recipe = replace(recipe, name=f"{recipe.name}-{folder}", seed=seed)
    trainer = Trainer(recipe, options.data, options.runs / folder, steps=options.steps)
    if trainer.step < options.steps:
        trainer.run()
    model: nn.Module = trainer.ema.module.eval()
    return model


def export_models(models: Mapping[str, nn.Module], recipe: Recipe, folder: Path) -> dict[str, Path]:
    """Writes model files of networks, by method, that are described as the recipe says."""
    files = {method: folder / f"{method.replace(' ', '-')}.onnx" for method in models}
    for method, model in models.items():
        export_model(model, recipe, files[method])
    return files


def bundled_models(*names: str) -> dict[str, Path]:
    """Model files that come with the SDK, by the name of their rows."""
    return {f"`{name}`": open_model(name).path for name in names}


def network_rows(
    files: Mapping[str, Path],
    side: int,
    options: TableOptions,
    measure: Callable[[Method], Figures],
) -> list[Row]:
    """Rows of model files, by method, all measured in one process.

    side: of the square picture that costs and times are for, in pixels. measure: figures of
    quality of what restores through the SDK; kept below ``options.runs``, so that a table that was
    broken off measures on.
    """
    threads = options.threads
    models = {method: open_model(path) for method, path in files.items()}
    runs = {method: random_run(path, side, side, threads) for method, path in files.items()}

    def figures(method: str) -> Figures:
        restore = Restorer.load(files[method], threads=threads).restore
        return _kept(options.runs / "figures", models[method], lambda: measure(restore))

    rows = timed_rows(runs, figures)
    costs = [read_network(model, side, side) for model in models.values()]
    return [
        replace(row, parameters=cost.parameters, multiply_adds=cost.multiply_adds)
        for row, cost in zip(rows, costs, strict=True)
    ]


def _kept(folder: Path, model: ModelFile, measure: Callable[[], Figures]) -> Figures:
    """Figures of a model file, from the folder if they are there."""
    path = folder / f"{model.info.digest}.json"
    if path.is_file():
        kept: Figures = json.loads(path.read_text())
        return kept
    found = measure()
    folder.mkdir(exist_ok=True)
    write_whole(json.dumps(found).encode(), path)
    return found


def timing_note(side: int, threads: int) -> str:
    """How :func:`network_rows` times."""
    return (
        f"Time: median of one run at {side}x{side} in ONNX Runtime with {count_threads(threads)}, "
        "all networks in turn in one process."
    )


def random_run(path: Path, height: int, width: int, threads: int) -> Callable[[], object]:
    """One run of a network on a picture of random numbers in [0, 1], to be timed.

    Of the random mask that an inpainting network gets, a fifth is hole.
    """
    session = open_session(path, threads=threads)
    rng = np.random.default_rng(0)
    feed = {}
    for value in session.get_inputs():
        numbers = rng.random((1, value.shape[1], height, width), np.float32)
        hole = (numbers < 0.2).astype(np.float32)
        feed[value.name] = hole if value.name == "mask" else numbers
    return lambda: session.run(None, feed)
