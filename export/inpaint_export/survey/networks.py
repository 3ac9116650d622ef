"""Networks of a table: variants that are trained alike, and models that are shipped."""

from __future__ import annotations

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
from inpaint_sdk import Restorer
from inpaint_sdk.models.zoo import open_model

Method = Callable[..., Any]
"""Restores a picture, with or without a mask, as the table has it."""


@dataclass(frozen=True)
class Variant:
    """A network that is trained as the recipe says but for how it is built, and by which losses.

    objective: in the place of the recipe's, if given.
    """

    method: str
    folder: str
    build: Callable[[], nn.Module]
    objective: Callable[[nn.Module], Objective] | None = None


def train_variants(
    variants: Iterable[Variant], recipe: Recipe, options: TableOptions
) -> dict[str, nn.Module]:
    """Trains variants of a recipe; see :func:`train_recipe`."""
    return {
        variant.method: train_recipe(
            replace(recipe, build=variant.build, objective=variant.objective or recipe.objective),
            variant.folder,
            options,
        )
        for variant in variants
    }


def train_recipe(recipe: Recipe, folder: str, options: TableOptions) -> nn.Module:
    """Trains for ``options.steps``, or resumes where the folder is; returns the averaged network.

    Every variant of a table sees the same items in the same order from the same seed.
    """
    torch.set_num_threads(options.threads)
    recipe = replace(recipe, name=f"{recipe.name}-{folder}")
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
    files: Mapping[str, Path], side: int, threads: int, measure: Callable[[Method], Figures]
) -> list[Row]:
    """Rows of model files, by method, all measured in one process.

    side: of the square picture that costs and times are for, in pixels. measure: figures of
    quality of what restores through the SDK.
    """
    runs = {method: random_run(path, side, side, threads) for method, path in files.items()}
    rows = timed_rows(
        runs, lambda method: measure(Restorer.load(files[method], threads=threads).restore)
    )
    costs = [read_network(open_model(path), side, side) for path in files.values()]
    return [
        replace(row, parameters=cost.parameters, multiply_adds=cost.multiply_adds)
        for row, cost in zip(rows, costs, strict=True)
    ]


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
