"""The typed form of a recipe: everything that makes one trained model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.training.objective import Objective
from inpaint_sdk.model_info import Family, Task

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class OptimConfig:
    """Muon for matrices and AdamW for the rest: a warm-up, a constant rate, a cosine fall to zero.

    With a constant stretch a run can be lengthened or cut short when it is resumed: only the start
    of the fall moves.

    adamw_layers: names of layers whose matrices are AdamW's too.
    warmup: steps. decay: share of all steps that the fall takes. clip: largest gradient norm.
    ema: decay of the averaged weights, which are the ones that are validated and exported.
    """

    lr: float = 1.2e-3
    adamw_layers: tuple[str, ...] = ("stem", "head")
    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 500
    decay: float = 0.4
    clip: float = 1.0
    ema: float = 0.999

    def __post_init__(self) -> None:
        if not 0.0 <= self.decay <= 1.0:
            raise ValueError(f"decay is {self.decay}; it is a share between 0 and 1")


@dataclass(frozen=True)
class ValidationConfig:
    """Hole PSNR on photographs that are not trained on, under masks of a fixed seed.

    folder: of photographs, below the data root. count: how many of them, evenly spread.
    every: steps between validations.
    """

    folder: str
    count: int = 32
    every: int = 2000
    seed: int = 2024


@dataclass(frozen=True)
class CardConfig:
    """What the model file says of itself, besides what can be measured."""

    description: str
    licence: str
    training_data: str


@dataclass(frozen=True)
class Recipe:
    """One model: how it is built, what it learns from, and for how long.

    name: of the model, as users load it. family: of the design's five.
    precision: of the forward pass while training; weights and losses are fp32.
    """

    name: str
    family: Family
    task: Task
    build: Callable[[], nn.Module]
    objective: Callable[[nn.Module], Objective]
    data: PhotoDataConfig
    validation: ValidationConfig
    card: CardConfig
    steps: int
    batch: int = 8
    seed: int = 0
    precision: Precision = "bf16"
    optim: OptimConfig = field(default_factory=OptimConfig)
