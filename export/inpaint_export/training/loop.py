"""The training loop: seeds, schedule, mixed precision, averaged weights, resuming."""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from inpaint_export.data.loading import draw_batches
from inpaint_export.recipes.base import DetailedValidator, Recipe, Validator
from inpaint_export.recipes.data import differences, recipe_from_data, recipe_to_data
from inpaint_export.training.checkpoint import FILE_NAME, load_checkpoint, revision, save_checkpoint
from inpaint_export.training.objective import Objective
from inpaint_export.training.optim import MuonAdamW, rate_factor
from inpaint_export.training.precision import Precision, Request, choose_precision
from inpaint_export.training.start import Initialisation

logger = logging.getLogger(__name__)

LOG_EVERY = 100
SAVE_EVERY = 1000


Tensors = tuple[Tensor, ...] | list[Tensor]


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Exponential averaging that starts as a plain mean, so that short runs are averaged well too.

    The first weights, which are random, would otherwise stay in the average for long.
    """

    @torch.no_grad()
    def update(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        kept = min(decay, (1.0 + float(count)) / (10.0 + float(count)))
        torch._foreach_lerp_(averaged, current, 1.0 - kept)

    return update


class Trainer:
    """Trains one recipe in one folder, which holds ``last.pt`` and ``log.jsonl``.

    data: the data root that the recipe's folders are below. steps: overrides the recipe's.
    precision: of the passes; see :func:`choose_precision`. start: overrides the recipe's.
    A folder with a checkpoint is resumed, in its precision unless one is asked for.

    Raises:
        ValueError: the folder's checkpoint is of another recipe, or the start does not fit.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Path,
        folder: Path,
        *,
        device: str = "cpu",
        steps: int | None = None,
        workers: int = 1,
        precision: Request = "fp32",
        start: Initialisation | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        torch.set_flush_denormal(True)  # denormals in early residuals cost a CPU dearly
        self.data = data
        self.folder = folder
        self.device = torch.device(device)
        self.steps = steps or recipe.steps
        self.workers = workers
        self.step = 0
        if start is not None:
            if self.checkpoint.is_file():
                raise ValueError(
                    f"{folder} holds a run, which has its own weights; leave out start"
                )
            recipe = replace(recipe, start=start)
        self.recipe = recipe
        self._recipe_data = recipe_to_data(recipe)
        self._revision = revision()  # of what runs: the checkout may change meanwhile
        self._request = precision
        self.precision: Precision | None = None

        model = recipe.build()
        self._begun_from: str | None = None
        if recipe.start is not None and not self.checkpoint.is_file():
            self._begun_from = str(recipe.start.apply(model, folder.parent))
            logger.info("%s: %s", recipe.name, self._begun_from)
        self.objective: Objective = recipe.objective(model).to(self.device)
        self.objective.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizers = {
            name: MuonAdamW(module, recipe.optim)
            for name, module in self.objective.trained_modules().items()
        }
        self.ema = AveragedModel(
            self.objective.model, multi_avg_fn=moving_average(recipe.optim.ema)
        )
        if self.checkpoint.is_file():
            self._restore(load_checkpoint(self.checkpoint))

    @property
    def checkpoint(self) -> Path:
        return self.folder / FILE_NAME

    def run(self) -> float:
        """Trains to the last step and returns the final validation."""
        validation = self.recipe.validation.open(self.data)
        self.folder.mkdir(parents=True, exist_ok=True)
        started, first = time.monotonic(), self.step
        bar = tqdm(total=self.steps, initial=self.step, desc=self.recipe.name, unit="step")
        for _ in self.take_steps():
            bar.update()
            if self.step % LOG_EVERY == 0:
                rate = (self.step - first) / (time.monotonic() - started)
                self._log({**self.objective.report(), "steps_per_s": round(rate, 3)})
            if self.step % self.recipe.validation.every == 0:
                score = self._validate(validation)
                bar.set_postfix({validation.figure: f"{score:.3f}"})
            if self.step % SAVE_EVERY == 0:
                self._save()
        bar.close()
        self._save()
        return self._validate(validation)

    def take_steps(self) -> Iterator[int]:
        """Trains to the last step, and does nothing else; gives each step that was taken."""
        self.objective.train()
        first = self.step
        for batch in self._batches():
            if self.step == first:
                self._choose_precision(batch)
            self._train_step(batch)
            self.step += 1
            yield self.step

    def _validate(self, validation: Validator) -> float:
        score = validation.measure(self.ema.module, self.device)
        details = validation.details if isinstance(validation, DetailedValidator) else {}
        further = {f"val_{name}": figure for name, figure in details.items()}
        self._log({f"val_{validation.figure}": round(score, 4), **further})
        return score

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        """Batches from the current step on; the same ones whether or not the run was resumed."""
        batch = self.recipe.batch
        seed, length = self.recipe.seed, self.steps * batch
        dataset = self.recipe.data.open(self.data, seed=seed, length=length)
        batches = draw_batches(
            dataset,
            self.step,
            self.steps,
            batch=batch,
            workers=self.workers,
            pin=self.device.type == "cuda",
        )
        for items in batches:
            moved = {name: t.to(self.device, non_blocking=True) for name, t in items.items()}
            yield {name: t.float() / 255.0 for name, t in moved.items()}

    def _choose_precision(self, batch: dict[str, Tensor]) -> None:
        def probe(precision: Precision) -> None:
            with self._autocast(precision):
                for _, loss in self.objective.losses(batch):
                    loss.backward()

        state = copy.deepcopy(self.objective.state_dict())  # codebooks and norms move as they look
        with torch.random.fork_rng():
            choice = choose_precision(self._request, self.device, probe, kept=self.precision)
        self.objective.load_state_dict(state)
        self.precision = choice.precision
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        for optimizer in self.optimizers.values():
            optimizer.orthogonalise_in(dtype)
        logger.info("%s trains in %s", self.recipe.name, choice)
        begun = {"begun_from": self._begun_from} if self._begun_from else {}
        self._log({"precision": choice.precision, "why": choice.reason, **begun})

    def _autocast(self, precision: Precision | None) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")

    def _train_step(self, batch: dict[str, Tensor]) -> None:
        factor = rate_factor(self.recipe.optim, self.step, self.steps)
        self.objective.progress = self.step / self.steps
        with self._autocast(self.precision):
            for name, loss in self.objective.losses(batch):
                if not torch.isfinite(loss):
                    raise FloatingPointError(f"{name}'s loss is {loss} at step {self.step}")
                self.optimizers[name].step(loss.backward, factor)
        self.ema.update_parameters(self.objective.model)

    def _log(self, figures: dict[str, Any]) -> None:
        row = {"step": self.step, "time": round(time.time(), 1), **figures}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")

    def _save(self) -> None:
        save_checkpoint(
            self.checkpoint,
            {
                "recipe": self._recipe_data,
                "revision": self._revision,
                "seed": self.recipe.seed,
                "step": self.step,
                "precision": self.precision or "fp32",
                "rng": torch.get_rng_state(),
                "objective": self.objective.state_dict(),
                "ema": self.ema.module.state_dict(),
                "ema_updates": int(self.ema.n_averaged),
                "optimizers": {n: o.state_dict() for n, o in self.optimizers.items()},
            },
        )

    def _restore(self, state: dict[str, Any]) -> None:
        begun = recipe_to_data(recipe_from_data(state["recipe"]))  # with what was added since
        different = differences(begun, self._recipe_data)
        if different:
            raise ValueError(
                f"{self.checkpoint} holds a run of another recipe ({'; '.join(different[:4])}); "
                "give another folder, and begin there from this run's weights (--from)"
            )
        self.step = state["step"]
        self.precision = state["precision"]
        torch.set_rng_state(state["rng"])
        self.objective.load_state_dict(state["objective"])
        self.ema.module.load_state_dict(state["ema"])
        self.ema.n_averaged.fill_(state["ema_updates"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
