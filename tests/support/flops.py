"""PyTorch's own count of what a network costs, for comparison."""

from __future__ import annotations

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


def count_multiply_adds(model: nn.Module, *inputs: Tensor) -> int:
    """Multiply-adds of a network for inputs of this size."""
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        model.eval()(*inputs)
    return int(counter.get_total_flops()) // 2
