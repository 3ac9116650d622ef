"""What the families are built of."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.1
"""Of the leaky ReLUs: a unit that is never positive still learns."""

Padding = Literal["zeros", "replicate"]
"""What convolutions see beyond a picture's border."""

REPLICATE: Padding = "replicate"
"""For networks that learn from small crops and work on large pictures. Small crops are all border:
with zeros there, features are learned that zeros have weakened, and in the middle of a large
picture the output is too strong. A U-Net that had learned to clean crops of 96 pixels so took JPEG
of quality 20 from pictures of 480 less well than from their squares of 96, by 0.55 dB; with
replicate padding by 0.17 dB."""


def start_at_zero(layer: nn.Module) -> None:
    """For a last layer, so that a network starts as what it adds to."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class ResidualBlock(nn.Module):
    """``x + conv(act(conv(act(x))))``; the second convolution starts at zero."""

    def __init__(self, channels: int, dilation: int = 1, padding: Padding = "zeros") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            channels, channels, 3, padding=dilation, dilation=dilation, padding_mode=padding
        )
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding)
        start_at_zero(self.conv2)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.conv1(x), SLOPE)
        return F.leaky_relu(x + self.conv2(y), SLOPE)


class GlobalContext(nn.Module):
    """Adds what the whole picture looks like, on average, to every position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 2, 1)
        self.expand = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean(dim=(2, 3), keepdim=True)  # [N, C, 1, 1]
        return x + self.expand(F.leaky_relu(self.squeeze(pooled), SLOPE))


def residual_blocks(channels: int, count: int, padding: Padding = "zeros") -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, padding=padding) for _ in range(count)))


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
