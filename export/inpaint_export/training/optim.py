"""Optimisers and the schedule of their rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from inpaint_export.recipes.base import OptimConfig
from inpaint_export.training.muon import Muon


def rate_factor(config: OptimConfig, step: int, steps: int) -> float:
    """The share of the full rate at ``step`` of ``steps``: warm-up, constant, cosine to zero."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    fall = max(1.0, config.decay * steps)
    progress = min(1.0, max(0.0, (step - (steps - fall)) / fall))
    return warm * 0.5 * (1.0 + math.cos(math.pi * progress))


class PlayerOptimizer:
    """Muon for a module's matrices and AdamW for the rest, as one optimiser.

    The matrices are all parameters of two or more dimensions, but for those of the layers that
    ``OptimConfig.adamw_layers`` names (the first and the last, as Muon's authors advise).
    """

    def __init__(self, module: nn.Module, config: OptimConfig) -> None:
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self._clip = config.clip
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in module.named_parameters():
            kept = any(layer in name.split(".") for layer in config.adamw_layers)
            (rest if kept or parameter.ndim < 2 else matrices).append(parameter)
        self._optimizers: list[torch.optim.Optimizer] = []
        if matrices:
            self._optimizers.append(Muon(matrices, lr=config.lr, weight_decay=config.weight_decay))
        if rest:
            self._optimizers.append(
                torch.optim.AdamW(
                    rest, config.lr, config.betas, weight_decay=config.weight_decay, fused=True
                )
            )
        self._lr = config.lr

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
