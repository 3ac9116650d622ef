"""A transformer block on feature maps of any size."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import start_at_zero


class TransformerBlock(nn.Module):
    """Attention between all positions, and a layer on each (Vaswani et al., NeurIPS 2017).

    Where a position is comes from a depthwise convolution, which holds for any size (Chu et al.,
    "Conditional Positional Encodings for Vision Transformers", ICLR 2023). Normalised before each
    part; every part's last layer starts at zero but the convolution.
    """

    stacked: ClassVar = {"query_key_value.weight": 3}

    def __init__(self, width: int, heads: int, expansion: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width is {width}; it must be a multiple of heads, {heads}")
        self.heads = heads
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.layer_norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        for last in (self.attended, self.narrow):
            start_at_zero(last)

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to the same shape."""
        x = x + self.position(x)
        height, width = x.shape[2:]
        tokens = x.flatten(2).transpose(1, 2)  # [N, T, C]
        tokens = tokens + self._attend(self.attention_norm(tokens))
        tokens = tokens + self.narrow(F.gelu(self.wide(self.layer_norm(tokens))))
        return tokens.transpose(1, 2).unflatten(2, (height, width))

    def _attend(self, tokens: Tensor) -> Tensor:
        parts = self.query_key_value(tokens).unflatten(2, (3, self.heads, -1))  # [N, T, 3, h, c]
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        attended = F.scaled_dot_product_attention(query, key, value)  # [N, h, T, c]
        return self.attended(attended.transpose(1, 2).flatten(2))
