"""Steps a second of a recipe, by threads of the training and processes that draw."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from inpaint_eval.render import Table
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.loop import Trainer
from inpaint_export.training.precision import Request

WARM_UP = 4
"""Steps before the first that counts: memory is allocated, and batches are drawn ahead."""


def measure_speed(
    recipe: Recipe,
    data: Path,
    *,
    threads: Sequence[int],
    workers: Sequence[int],
    steps: int,
    device: str = "cpu",
    precision: Request = "auto",
) -> Table:
    """Trains ``steps`` steps from new weights with each number of threads and of workers.

    Batches that were drawn ahead in the first steps count as well, so many steps tell more of
    drawing than few. Nothing is kept.
    """
    before = torch.get_num_threads()
    rows = []
    try:
        for count, drawing in itertools.product(threads, workers):
            torch.set_num_threads(count)
            with tempfile.TemporaryDirectory() as folder:
                trainer = Trainer(
                    replace(recipe, start=None),
                    data,
                    Path(folder),
                    device=device,
                    steps=WARM_UP + steps,
                    workers=drawing,
                    precision=precision,
                )
                rate = steps / sum(_seconds(trainer))
            rows.append([str(count), str(drawing), str(trainer.precision), f"{rate:.2f}"])
    finally:
        torch.set_num_threads(before)
    note = f"{recipe.name}: {steps} steps of {recipe.batch} items each, on {device}"
    return Table("", ("threads", "workers", "precision", "steps a second"), rows, [note], left=0)


def _seconds(trainer: Trainer) -> Iterator[float]:
    """Of each step that counts, waiting for its batch included."""
    last = time.perf_counter()
    for index, _ in enumerate(trainer.take_steps()):
        now = time.perf_counter()
        if index >= WARM_UP:
            yield now - last
        last = now
