"""The ``sarnn`` family: recurrence over the picture finds the damage, residual blocks repair it.

After SARNN (Zhang E. et al., 2021) and the SPANet that it builds on (Wang et al., CVPR 2019): two
rounds of a four-direction ReLU recurrence give every position the context of the whole picture, an
attention map drawn from them guides the residual blocks. Ours runs them at 1/8 resolution, lets the
direction weights act, and answers with a gain and an offset for every pixel, since a thin cloud is
light added to light that was weakened (the atmospheric scattering model).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import SLOPE, ResidualBlock, double, start_at_zero
from inpaint_kernels.torch_op import directional_scan
from inpaint_sdk import Memory


@dataclass(frozen=True)
class SarnnConfig:
    """Sizes of a :class:`Sarnn`, and what is left out of it for comparison.

    widths: channels at 1/4 and 1/8 of the picture's resolution. state: channels that are scanned.
    guided: residual blocks at 1/8 under attention. refining: residual blocks at 1/4 after them.
    rounds: of recurrence; 0 puts convolutions of the same cost in their place.
    direction_weights, attention: whether the directions are weighed, and the blocks guided.
    """

    widths: tuple[int, int] = (48, 96)
    state: int = 48
    guided: int = 3
    refining: int = 2
    rounds: int = 2
    direction_weights: bool = True
    attention: bool = True


class ScanRound(nn.Module):
    """One round: scan in four directions, weigh the directions at each position, mix.

    Channels start with memories from 2 positions to 64, so that some of them see far from
    the first step on, and are normalised by their memory, as in the Linear Recurrent Unit (Orvieto
    et al., "Resurrecting Recurrent Neural Networks", 2023).
    """

    adamw = ("raw_weight", "bias")

    def __init__(self, channels: int, weigh: bool) -> None:
        super().__init__()
        memory = torch.logspace(1.0, 6.0, channels, base=2.0)
        # tanh keeps a recurrence below 1, so that a line of any length stays bounded.
        self.raw_weight = nn.Parameter(torch.atanh(1.0 - 1.0 / memory).repeat(4, 1))
        self.bias = nn.Parameter(torch.zeros(4, channels))
        self.scores = nn.Conv2d(channels, 4, 1) if weigh else None
        self.mix = nn.Conv2d(4 * channels, channels, 1)

    @staticmethod
    def unfold(weight: Tensor) -> Tensor:
        """The parameter ``raw_weight`` of a scan's weight, which is below 1."""
        return torch.atanh(weight.clamp(max=1.0 - 2.0**-20))

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.tanh(self.raw_weight)
        maps = directional_scan(x, weight, self.bias)  # [N, 4C, H, W]
        if self.scores is not None:
            scores = torch.sigmoid(self.scores(x)) * 2.0  # [N, 4, H, W], 1 when undecided
            weighed = [m * scores[:, d : d + 1] for d, m in enumerate(maps.chunk(4, dim=1))]
            maps = torch.cat(weighed, dim=1)
        # Undoes what a recurrence amplifies noise by, so that channels are of about one size.
        even = self.mix.weight * torch.sqrt(1.0 - weight.square()).reshape(1, -1, 1, 1)
        return F.leaky_relu(F.conv2d(maps, even, self.mix.bias), SLOPE)


class LocalRound(nn.Module):
    """What stands for a round where recurrence is left out: a convolution of about its cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=2, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x), SLOPE)


class PooledContext(nn.Module):
    """Adds the extremes and the mean of every feature over the whole picture to each position.

    How dark the darkest ground is tells how much light a cloud adds (the dark channel prior: He et
    al., CVPR 2009); a recurrence that forgets cannot know it exactly.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(2 * channels, channels // 2, 1)
        self.expand = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [x.amax(dim=(2, 3), keepdim=True), x.mean(dim=(2, 3), keepdim=True)]
        return x + self.expand(F.leaky_relu(self.squeeze(torch.cat(pooled, dim=1)), SLOPE))


class Context(nn.Module):
    """The rounds, and the attention map that is drawn from them."""

    def __init__(self, channels: int, config: SarnnConfig) -> None:
        super().__init__()
        state = config.state
        self.enter = nn.Conv2d(channels, state, 1)
        rounds: list[nn.Module] = [
            ScanRound(state, config.direction_weights) for _ in range(config.rounds)
        ]
        self.rounds = nn.Sequential(*(rounds or [LocalRound(state) for _ in range(2)]))
        self.pooled = PooledContext(channels)
        self.leave = nn.Conv2d(state, channels, 1)
        self.attention = nn.Conv2d(state, 1, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features with context, [N, C, H, W], and attention, [N, 1, H, W] in [0, 1]."""
        context = self.rounds(self.enter(x))
        return self.pooled(x) + self.leave(context), torch.sigmoid(self.attention(context))


class Sarnn(nn.Module):
    """Mask-free restoration with an attention map as a second output."""

    size_multiple = 8
    memory = Memory(bytes_per_pixel=180)
    adamw = ("stem", "smooth_head", "fine_head", "context.attention")

    def __init__(self, config: SarnnConfig | None = None) -> None:
        super().__init__()
        config = config or SarnnConfig()
        self.config = config
        quarter, eighth = config.widths
        self.stem = nn.Conv2d(3, quarter, 8, stride=4, padding=2)
        self.encode4 = ResidualBlock(quarter)
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = ResidualBlock(eighth)
        self.context = Context(eighth, config)
        self.guided = nn.ModuleList(
            ResidualBlock(eighth, dilation=2**index) for index in range(config.guided)
        )
        self.up4 = nn.Conv2d(eighth, quarter, 1)
        self.refine = nn.Sequential(*(ResidualBlock(quarter) for _ in range(config.refining)))
        # What changes slowly is decided at 1/8 and interpolated, what is fine at 1/4.
        self.smooth_head = nn.Conv2d(eighth, 6, 1)
        self.fine_head = nn.Conv2d(quarter, 6 * 16, 3, padding=1)
        for head in (self.smooth_head, self.fine_head):
            start_at_zero(head)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Restores a picture.

        image: [N, 3, H, W], RGB in [0, 1]; H and W are multiples of :attr:`size_multiple`. Returns
        the restored picture, which may leave [0, 1] a little, and the attention [N, 1, H, W].
        """
        skip4 = self.encode4(F.leaky_relu(self.stem(image - 0.5), SLOPE))  # [N, C4, H/4, W/4]
        x = self.encode8(F.leaky_relu(self.down8(skip4), SLOPE))  # [N, C8, H/8, W/8]
        x, attention = self.context(x)
        for block in self.guided:
            repaired = block(x)
            x = x + attention * (repaired - x) if self.config.attention else repaired
        smooth = self.smooth_head(x)
        x = self.refine(skip4 + double(self.up4(x)))
        return apply_gain_and_offset(image, smooth, self.fine_head(x), attention)


def apply_gain_and_offset(
    image: Tensor, smooth: Tensor, fine: Tensor, attention: Tensor
) -> tuple[Tensor, Tensor]:
    """The restored picture and its attention [N, 1, H, W], from a network's heads.

    image: [N, 3, H, W]. smooth: [N, 6, H/8, W/8] and fine: [N, 96, H/4, W/4], which add up to the
    logarithm of a gain and an offset for every pixel. attention: [N, 1, H/8, W/8].
    """
    smooth = F.interpolate(smooth, scale_factor=8.0, mode="bilinear")
    log_gain, offset = (smooth + F.pixel_shuffle(fine, 4)).chunk(2, dim=1)  # [N, 3, H, W] each
    attention = F.interpolate(attention, scale_factor=8.0, mode="bilinear")
    return (image - 0.5 + offset) * torch.exp(log_gain) + 0.5, attention
