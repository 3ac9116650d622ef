"""SPANet, the public network that our ``sarnn`` family descends from.

Wang et al., "Spatial Attentive Single-Image Deraining with a High Quality Real Rain Dataset", CVPR
2019. Parameter names are those of its released weights, which load strictly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_kernels.torch_op import directional_scan
from inpaint_sdk import Memory

CHANNELS = 32


class Irnn(nn.Module):
    """One round of the four-direction ReLU recurrence; each weight is a 1x1 depthwise layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in self._names():
            self.add_module(name, nn.Conv2d(channels, channels, 1, groups=channels))

    @staticmethod
    def _names() -> list[str]:
        return [f"{direction}_weight" for direction in ("up", "right", "down", "left")]

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, 4C, H, W]: the maps up, right, down, left."""
        layers = [self.get_submodule(name) for name in self._names()]
        weight = torch.stack([layer.get_parameter("weight").flatten() for layer in layers])
        bias = torch.stack([layer.get_parameter("bias") for layer in layers])
        return directional_scan(x, weight, bias)


class DirectionWeights(nn.Module):
    """Scores of the four directions at every position, [N, 4, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(channels // 2, channels // 2, 3, padding=1)
        self.conv3 = nn.Conv2d(channels // 2, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return torch.sigmoid(self.conv3(x))


class SpatialAttention(nn.Module):
    """Two rounds of recurrence, then a map of where the damage is, [N, 1, H, W] in [0, 1].

    The released network computes the direction weights and drops their products with the maps;
    its weights only reproduce its outputs without them. So ``attention_layer`` holds parameters
    here and takes no part.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.irnn1 = Irnn(channels)
        self.irnn2 = Irnn(channels)
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4 * channels, channels, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(4 * channels, channels, 3, padding=1, bias=False)
        self.attention_layer = DirectionWeights(channels)
        self.conv_out = nn.Conv2d(channels, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.irnn1(self.conv_in(x)))
        x = F.relu(self.conv3(self.irnn2(x)))
        return torch.sigmoid(self.conv_out(x))


class Bottleneck(nn.Module):
    """1x1, dilated 3x3, 1x1, without biases."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=2, dilation=2, bias=False)
        self.conv3 = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(F.relu(self.conv2(F.relu(self.conv1(x)))))


class SpaNet(nn.Module):
    """Seventeen residual blocks at full resolution, twelve of them guided by attention."""

    size_multiple = 1
    memory = Memory(bytes_per_pixel=2400)
    PLAIN = (1, 2, 3, 16, 17)

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.conv_in = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.ReLU())
        self.SAM1: nn.Module = SpatialAttention(channels)
        for index in range(1, 18):
            # A group of one block, because the released names have that level.
            block = nn.ModuleDict({"group1": Bottleneck(channels)})
            self.add_module(f"res_block{index}", block)
        self.conv_out = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1, bias=False))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """From RGB [N, 3, H, W] in [0, 1] to the clean picture and the first attention map."""
        x = self.conv_in(image)
        attention = first = None
        for index in range(1, 18):
            if index in (4, 7, 10, 13):
                attention = self.SAM1(x)
                first = attention if first is None else first
            residual = self.get_submodule(f"res_block{index}.group1")(x)
            if index not in self.PLAIN:
                assert attention is not None
                residual = residual * attention
            x = F.relu(residual + x)
        assert first is not None
        return self.conv_out(x), first
