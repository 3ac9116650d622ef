"""Optimisers and the schedule of their rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from inpaint_export.training.muon import Muon


@dataclass(frozen=True)
class OptimConfig:
    """Muon for matrices and AdamW for the rest: a warm-up, a constant rate, a cosine fall to zero.

    With a constant stretch a run can be lengthened or cut short when it is resumed: only the start
    of the fall moves. What is trained by which optimiser, the networks declare: see
    :func:`assign`.

    warmup: steps. decay: share of all steps that the fall takes. clip: largest gradient norm.
    ema: decay of the averaged weights, which are the ones that are validated and exported.
    """

    lr: float = 1.2e-3
    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 500
    decay: float = 0.6
    clip: float = 1.0
    ema: float = 0.999

    def __post_init__(self) -> None:
        if not 0.0 <= self.decay <= 1.0:
            raise ValueError(f"decay is {self.decay}; it is a share between 0 and 1")


@dataclass
class Assignment:
    """The parameters of a network by optimiser.

    matrices: Muon's. stacks: how many matrices are stacked in a parameter, where more than one.
    others: AdamW's.
    """

    matrices: list[nn.Parameter] = field(default_factory=list)
    stacks: dict[nn.Parameter, int] = field(default_factory=dict)
    others: list[nn.Parameter] = field(default_factory=list)


def assign(module: nn.Module) -> Assignment:
    """Divides a network's parameters between Muon and AdamW, but for those that are held.

    AdamW has what is no matrix: biases, gains, depthwise convolutions, whose channels do not mix;
    and what the modules within declare by an attribute ``adamw``: names of parameters or of
    submodules, most of all first and last layers, as Muon's authors advise. An attribute
    ``stacked`` maps a parameter's name to the number of matrices that are stacked in it, each of
    which is orthogonalised by itself; those of recurrent layers of PyTorch are known.

    Raises:
        ValueError: a declaration names what the module does not have, or a stack that does not
            divide.
    """
    by_adamw: set[nn.Parameter] = set()
    stacks: dict[nn.Parameter, int] = {}
    for part in module.modules():
        for name in getattr(part, "adamw", ()):
            by_adamw.update(_named(part, name))
        declared = dict(getattr(part, "stacked", {}))
        if isinstance(part, nn.RNNBase):
            gates = {"LSTM": 4, "GRU": 3}.get(part.mode, 1)
            declared.update((n, gates) for n, p in part.named_parameters() if p.ndim == 2)
        for name, count in declared.items():
            for parameter in _named(part, name):
                if parameter.shape[0] % count:
                    raise ValueError(
                        f"{type(part).__name__}.stacked says that {name} holds {count} matrices; "
                        f"its {parameter.shape[0]} rows do not divide"
                    )
                stacks[parameter] = count
        if isinstance(part, nn.Conv2d) and part.groups == part.in_channels > 1:
            by_adamw.update(_named(part, "weight"))
    result = Assignment(stacks=stacks)
    for parameter in (p for p in module.parameters() if p.requires_grad):
        matrix = parameter.ndim >= 2 and parameter not in by_adamw
        (result.matrices if matrix else result.others).append(parameter)
    return result


def _named(part: nn.Module, name: str) -> list[nn.Parameter]:
    """A module's parameter of that name, or all of its submodule's."""
    found = [p for n, p in part.named_parameters() if n == name or n.startswith(f"{name}.")]
    if not found and name not in dict(part.named_modules()):
        raise ValueError(f"{type(part).__name__} declares {name!r}, which it does not have")
    return found


def rate_factor(config: OptimConfig, step: int, steps: int) -> float:
    """The share of the full rate at ``step`` of ``steps``: warm-up, constant, cosine to zero."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    fall = max(1.0, config.decay * steps)
    progress = min(1.0, max(0.0, (step - (steps - fall)) / fall))
    return warm * 0.5 * (1.0 + math.cos(math.pi * progress))


class MuonAdamW:
    """Muon and AdamW as one optimiser of a module; see :func:`assign`."""

    def __init__(self, module: nn.Module, config: OptimConfig) -> None:
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self._clip = config.clip
        self._lr = config.lr
        assigned = assign(module)
        self._optimizers: list[torch.optim.Optimizer] = []
        if assigned.matrices:
            muon = Muon(
                assigned.matrices,
                lr=config.lr,
                weight_decay=config.weight_decay,
                stacks=assigned.stacks,
            )
            self._optimizers.append(muon)
        if assigned.others:
            self._optimizers.append(
                torch.optim.AdamW(
                    assigned.others,
                    config.lr,
                    config.betas,
                    weight_decay=config.weight_decay,
                    fused=True,
                )
            )

    def orthogonalise_in(self, dtype: torch.dtype) -> None:
        """Sets what Muon's orthogonalisation computes in: fp32 or bf16."""
        for optimizer in self._optimizers:
            if isinstance(optimizer, Muon):
                optimizer.dtype = dtype

    def step(self, backward: Callable[[], None], factor: float) -> None:
        """Clears gradients, calls ``backward``, clips, and steps at ``factor`` of the rate."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = self._lr * factor
        backward()
        nn.utils.clip_grad_norm_(self.parameters, self._clip)
        for optimizer in self._optimizers:
            optimizer.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """The states of the optimisers within."""
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Takes up what :meth:`state_dict` gave."""
        for optimizer, state in zip(self._optimizers, states, strict=True):
            optimizer.load_state_dict(state)
