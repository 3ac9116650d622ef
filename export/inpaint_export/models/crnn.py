"""The ``crnn`` family: CNN features read as sequences, and a U-Net that reconstructs with them.

After the survey's section 3.4 (Huo, 2023): features of shallow and of deep layers are divided into
blocks, which a recurrent network reads along rows and columns in both directions; what it gathers
is fused into a U-Net's decoder. A small second output says what is wrong with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.averaging import AveragingRound
from inpaint_export.models.blocks import REPLICATE, SLOPE, Padding, residual_blocks, start_at_zero
from inpaint_sdk import Memory

Reader = Literal["gru", "scan", "none"]


@dataclass(frozen=True)
class CrnnConfig:
    """Sizes of a :class:`Crnn`.

    widths: channels at 1/2, 1/4 and 1/8 of the picture's resolution. encoder_blocks: residual
    blocks at each, going down. decoder_blocks: at 1/4 and 1/2, coming up.
    shallow, deep: what reads the features at 1/4 and at 1/8. In the place of ``"none"`` stands a
    convolution of about a reader's cost; None leaves the features as they are.
    state: channels of the sequences.
    padding: of the convolutions at 1/2 and 1/4, whose reach is short. At 1/8 it is replicated.
    bytes_per_pixel: that a run takes, measured. Padding by itself takes most of it, since runtimes
    leave their blocked layout for it.
    """

    widths: tuple[int, int, int] = (64, 80, 112)
    encoder_blocks: tuple[int, int, int] = (1, 1, 3)
    decoder_blocks: tuple[int, int] = (1, 2)
    shallow: Reader | None = "scan"
    deep: Reader | None = "scan"
    state: int = 32
    padding: Padding = REPLICATE
    bytes_per_pixel: int = 480


BLOCK = 16
"""Side, in pixels of the picture, of the blocks that a GRU reads as one element each."""


class GruReader(nn.Module):
    """Reads blocks along rows, then along columns, in both directions."""

    def __init__(self, state: int, block: int) -> None:
        super().__init__()
        self.block = block
        self.rows = nn.GRU(state, state // 2, batch_first=True, bidirectional=True)
        self.columns = nn.GRU(state, state // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """From and to [N, C, H, W]; H and W are multiples of ``block``."""
        blocks = F.avg_pool2d(x, self.block)
        n, c, h, w = blocks.shape
        lines = blocks.permute(0, 2, 3, 1)  # [N, h, w, C]
        lines = self.rows(lines.reshape(n * h, w, c))[0].reshape(n, h, w, c)
        lines = lines.transpose(1, 2)  # [N, w, h, C]
        lines = self.columns(lines.reshape(n * w, h, c))[0].reshape(n, w, h, c)
        read = lines.permute(0, 3, 2, 1)
        return x + F.interpolate(read, scale_factor=float(self.block), mode="nearest")


def _reader(kind: Reader, state: int, block: int) -> nn.Module:
    if kind == "gru":
        return GruReader(state, block)
    if kind == "scan":
        return nn.Sequential(AveragingRound(state), AveragingRound(state))  # along, then across
    conv = nn.Conv2d(state, state, 3, padding=1, padding_mode=REPLICATE)
    return nn.Sequential(conv, nn.LeakyReLU(SLOPE))


class Sequences(nn.Module):
    """Features of one depth, read as sequences; adds what was gathered, at first nothing.

    The network learns first what can be seen near by, and from there what recurrence adds.
    """

    def __init__(self, channels: int, state: int, kind: Reader, block: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, state, 1)
        self.read = _reader(kind, state, block)
        self.leave = nn.Conv2d(state, channels, 1)
        start_at_zero(self.leave)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.leave(self.read(self.enter(x)))


def _sequences(channels: int, state: int, kind: Reader | None, block: int) -> nn.Module:
    return nn.Identity() if kind is None else Sequences(channels, state, kind, block)


class Adaptation(nn.Module):
    """Gains and offsets of features by what the whole picture suffers from; at first none.

    FiLM (Perez et al., AAAI 2018), conditioned on the whole picture: how strongly it is changed is
    decided once for all of it.
    """

    stacked: ClassVar = {"decide.weight": 2}

    def __init__(self, condition_channels: int, channels: int) -> None:
        super().__init__()
        self.decide = nn.Linear(condition_channels, 2 * channels)
        start_at_zero(self.decide)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """From and to [N, C, H, W]; condition is [N, F]."""
        gain, offset = self.decide(condition)[..., None, None].chunk(2, dim=1)
        return x + x * gain + offset


class Crnn(nn.Module):
    """Mask-free restoration with the degradation as a second output."""

    size_multiple = BLOCK
    full_precision = ("diagnose2",)
    adamw = ("stem", "head", "diagnose2")

    def __init__(self, config: CrnnConfig | None = None) -> None:
        super().__init__()
        config = config or CrnnConfig()
        self.memory = Memory(config.bytes_per_pixel)
        half, quarter, eighth = config.widths
        padding = config.padding
        self.stem = nn.Conv2d(3, half, 6, stride=2, padding=2, padding_mode=padding)
        self.encode2 = residual_blocks(half, config.encoder_blocks[0], padding)
        self.down4 = nn.Conv2d(half, quarter, 2, stride=2)
        self.encode4 = residual_blocks(quarter, config.encoder_blocks[1], padding)
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = residual_blocks(eighth, config.encoder_blocks[2], REPLICATE)
        self.shallow = _sequences(quarter, config.state, config.shallow, BLOCK // 4)
        self.deep = _sequences(eighth, config.state, config.deep, BLOCK // 8)
        self.diagnose1 = nn.Conv2d(eighth, eighth // 2, 1)
        self.diagnose2 = nn.Linear(eighth // 2, 3)
        self.adapt4 = Adaptation(eighth // 2, quarter)
        self.adapt2 = Adaptation(eighth // 2, half)
        # Unfolded and not enlarged, so that each pixel gets features of its own.
        self.up4 = nn.Conv2d(eighth, 4 * quarter, 1)
        self.decode4 = residual_blocks(quarter, config.decoder_blocks[0], padding)
        self.up2 = nn.Conv2d(quarter, 4 * half, 1)
        self.decode2 = residual_blocks(half, config.decoder_blocks[1], padding)
        self.head = nn.Conv2d(half, 12, 3, padding=1, padding_mode=padding)
        start_at_zero(self.head)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Restores a picture.

        image: [N, 3, H, W], RGB in [0, 1]; H and W are multiples of :attr:`size_multiple`. Returns
        the restored picture, which may leave [0, 1] a little, and the degradation [N, 3] in [0, 1]:
        strengths of noise, blur and compression.
        """
        skip2 = self.encode2(F.leaky_relu(self.stem(image - 0.5), SLOPE))  # [N, C2, H/2, W/2]
        skip4 = self.encode4(F.leaky_relu(self.down4(skip2), SLOPE))
        x = self.deep(self.encode8(F.leaky_relu(self.down8(skip4), SLOPE)))
        condition = F.leaky_relu(self.diagnose1(x), SLOPE).mean(dim=(2, 3))
        degradation = torch.sigmoid(self.diagnose2(condition))
        x = self.shallow(skip4) + F.pixel_shuffle(self.up4(x), 2)
        x = self.decode4(self.adapt4(x, condition))
        x = skip2 + F.pixel_shuffle(self.up2(x), 2)
        x = self.decode2(self.adapt2(x, condition))
        return image + F.pixel_shuffle(self.head(x), 2), degradation
