"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula

from inpaint_kernels import torch_op

assert torch_op  # imported for the operator that it registers


@register_flop_formula(torch.ops.inpaint_sdk.directional_scan)
def _scan_flops(*args: Any, out_shape: torch.Size, **kwargs: Any) -> int:
    """One multiply-add for each element of the four maps; an operation is half of one."""
    return 2 * out_shape.numel()


@dataclass(frozen=True)
class Cost:
    """parameters: those that its graph uses or not. multiply_adds: of one run."""

    parameters: int
    multiply_adds: int


def measure(model: nn.Module, *inputs: Tensor) -> Cost:
    """Counts a network's cost for inputs of this size."""
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        model.eval()(*inputs)
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(parameters, counter.get_total_flops() // 2)
