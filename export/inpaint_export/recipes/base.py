"""The typed form of a recipe: everything that makes one trained model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from inpaint_export.training.objective import Objective
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import Initialisation
from inpaint_sdk.models.info import Task

Storage = Literal["fp32", "fp16"]


class DataConfig(Protocol):
    """Where a model's training items come from."""

    @property
    def crop(self) -> int:
        """Side of the square crops in pixels."""

    def open(self, root: Path, *, seed: int, length: int) -> Dataset[dict[str, Tensor]]:
        """Items of uint8 tensors, each determined by the seed and its index alone."""


class Validator(Protocol):
    """Measures a model on data that it is not trained on."""

    figure: str
    """What is measured, for the log; more is better."""

    def measure(self, model: nn.Module, device: torch.device) -> float:
        """The figure for a model as it is, without training it."""


@runtime_checkable
class DetailedValidator(Validator, Protocol):
    """A validator that measures more than its figure."""

    @property
    def details(self) -> Mapping[str, float]:
        """Further figures of the last measurement, for the log, by name."""


class ValidationConfig(Protocol):
    """What a model is validated on, and every how many steps."""

    @property
    def every(self) -> int:
        """Steps between validations."""

    def open(self, root: Path) -> Validator:
        """Reads the data, once."""


@dataclass(frozen=True)
class CardConfig:
    """What the model file says of itself, besides what can be measured."""

    description: str
    licence: str
    training_data: str


@dataclass(frozen=True)
class Recipe:
    """One model: how it is built, what it learns from, and for how long.

    A recipe is data that a checkpoint holds: ``build`` and ``objective`` are classes, functions of
    a module or :func:`functools.partial` of one.

    name: of the model, as users load it. family: a word for its architecture, of your choice.
    outputs: names of what the network returns, as :class:`inpaint_sdk.ModelInfo` has them.
    start: what a new network's first weights are, where they are not random.
    window: as :class:`inpaint_sdk.ModelInfo` has it.
    storage: of the weights in the model file, whose arithmetic is fp32 all the same.
    """

    name: str
    family: str
    task: Task
    build: Callable[[], nn.Module]
    objective: Callable[[nn.Module], Objective]
    data: DataConfig
    validation: ValidationConfig
    card: CardConfig
    steps: int
    outputs: tuple[str, ...] = ("output",)
    batch: int = 8
    seed: int = 0
    start: Initialisation | None = None
    window: int | None = None
    storage: Storage = "fp32"
    optim: OptimConfig = field(default_factory=OptimConfig)
