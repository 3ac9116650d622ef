"""Muon: momentum whose matrices are orthogonalised, for convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration, as published: steep at zero, loose about one."""

WIDE = 2.0
"""Columns over rows from which the iteration runs on the Gram matrix, which is cheaper there."""


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al., 2024) for parameters of two or more dimensions.

    A convolution's weight [O, I, h, w] is treated as a matrix [O, I*h*w], and one that several
    matrices are stacked in as that many. The update is scaled to the root mean square that Adam's
    has (Liu et al., "Muon is Scalable", 2025, section 2.2), so one learning rate and weight decay
    serve both.

    stacks: parameter to the number of equal matrices along its first dimension, where not 1.
    Attribute ``dtype``: of the orthogonalisation; see :func:`orthogonalised`.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        *,
        stacks: Mapping[nn.Parameter, int] | None = None,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._stacks = dict(stacks or {})
        self.dtype = torch.float32

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Takes one step; parameters without a gradient are left alone."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"]
                momentum.lerp_(parameter.grad, 1.0 - group["momentum"])
                update = parameter.grad.lerp(momentum, group["momentum"])  # Nesterov's
                stack = self._stacks.get(parameter, 1)
                matrices = update.reshape(stack, update.shape[0] // stack, -1)  # [S, O / S, I*h*w]
                scale = 0.2 * max(matrices.shape[1:]) ** 0.5
                update = orthogonalised(matrices, dtype=self.dtype).reshape(update.shape)
                parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
                parameter.add_(update.to(parameter.dtype), alpha=-group["lr"] * scale)


def orthogonalised(matrix: Tensor, steps: int = 5, dtype: torch.dtype = torch.float32) -> Tensor:
    """About the nearest semi-orthogonal matrices, by Newton-Schulz iterations.

    matrix: [..., O, I]. dtype: of the iteration: fp32, or bf16 where the device is faster with it.
    Wide and tall matrices are iterated on as their Gram matrices, always in fp32: each iterate is
    an odd polynomial of X, so a polynomial of X X^T times X.
    """
    # Under autocast the Gram matrix would be rounded, and what is rounded off grows with each step.
    with torch.autocast(matrix.device.type, enabled=False):
        return _iterate(matrix, steps, dtype)


def _iterate(matrix: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    if x.shape[-1] >= WIDE * x.shape[-2]:
        x = x.float()
        x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
        gram = x @ x.mT  # [..., O, O]
        product: Tensor | None = None
        for index in range(steps):
            factor = torch.matmul(gram, gram).mul_(c).add_(gram, alpha=b)
            factor.diagonal(dim1=-2, dim2=-1).add_(a)
            product = factor if product is None else factor @ product
            if index + 1 < steps:
                gram = factor @ gram @ factor
        assert product is not None
        x = product @ x
    else:
        x = x.to(dtype)
        x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
        for _ in range(steps):
            gram = x @ x.mT
            x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x
