"""Layers that comparators share."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["batch", "instance", "none"]

_NORMS: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}


def activated(layer: nn.Module, channels: int, norm: Norm, slope: float) -> nn.Sequential:
    """A layer, its normalisation and a leaky ReLU of that slope."""
    normalised = () if norm == "none" else (_NORMS[norm](channels),)
    return nn.Sequential(layer, *normalised, nn.LeakyReLU(slope))


def conv(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    norm: Norm = "batch",
    slope: float = 0.0,
) -> nn.Sequential:
    """A convolution that keeps the size or divides it by ``stride``, activated."""
    padding = (kernel - 1) * dilation // 2
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)
    return activated(layer, outputs, norm, slope)


def up(inputs: int, outputs: int, *, norm: Norm = "batch", slope: float = 0.0) -> nn.Sequential:
    """A transposed convolution that doubles the size, activated."""
    return activated(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), outputs, norm, slope)


def masked_input(image: Tensor, mask: Tensor) -> Tensor:
    """What inpainting networks see: the picture without its hole, centred on 0, and the mask.

    image: [N, 3, H, W] in [0, 1]. mask: [N, 1, H, W], 1 in the hole. Returns [N, 4, H, W].
    """
    return torch.cat([(image - 0.5) * (1.0 - mask), mask], dim=1)


def paste(image: Tensor, made: Tensor, mask: Tensor) -> Tensor:
    """The picture with what was made in its hole; known pixels are unchanged."""
    return image * (1.0 - mask) + made * mask
