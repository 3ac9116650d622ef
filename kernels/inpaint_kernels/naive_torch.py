"""The definition once more, in PyTorch, so that autograd gives the gradients to test against."""

import torch
from torch import Tensor

from inpaint_kernels.naive import DIRECTIONS


def directional_scan(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Scan in four directions, one step a line's element; see `naive.directional_scan`.

    Args:
        x: [N, C, H, W], any floating dtype.
        weight: [4, C].
        bias: [4, C].

    Returns:
        [N, 4C, H, W], dtype of `x`. State is kept in float32, in float64 for float64.
    """
    state = torch.float64 if x.dtype == torch.float64 else torch.float32
    maps = []
    for d, (axis, backwards) in enumerate(DIRECTIONS.values()):
        lines = x.to(state).unbind(axis)  # [N, C, other] each
        w = weight[d].to(state)[:, None]  # [C, 1]
        b = bias[d].to(state)[:, None]
        scanned: list[Tensor] = []
        for line in reversed(lines) if backwards else lines:
            scanned.append(torch.relu(w * scanned[-1] + (b + line) if scanned else line))
        maps.append(torch.stack(scanned[::-1] if backwards else scanned, axis))
    return torch.cat(maps, 1).to(x.dtype)
