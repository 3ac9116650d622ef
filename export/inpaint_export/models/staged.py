"""The ``lstm`` family: a hole is filled from its border inward, in stages that an LSTM joins.

After the survey's section 3.3 (Zhang Z. et al., 2020) and its public ancestor (Zhang et al.,
"Semantic Image Inpainting with Progressive Generative Networks", ACM MM 2018). One short
encoder-decoder serves every stage: it repairs what is left of the hole, of which the ring next to
the border is kept, and the next stage goes on from there. A convolutional LSTM (Shi et al., NeurIPS
2015) at the bottleneck tells a stage what the ones before it did.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import (
    SLOPE,
    GlobalContext,
    ResidualBlock,
    double,
    residual_blocks,
    start_at_zero,
)
from inpaint_export.models.fill import PullPushFill


@dataclass(frozen=True)
class StagedConfig:
    """Sizes of a :class:`StagedInpainter`.

    depths: pixels that each stage but the last goes inward from the border, growing; the last one
    fills what is left. An empty tuple makes a single stage.
    widths: channels at 1/4, 1/8 and 1/16 of the picture's resolution.
    dilations: one residual block at 1/16 for each entry, with that dilation.
    decoder_blocks: residual blocks at 1/8 and 1/4.
    recurrent: whether an LSTM joins the stages. Without it a convolution of about its cost stands
    in its place.
    """

    depths: tuple[int, ...] = (12, 28, 56)
    widths: tuple[int, int, int] = (48, 96, 128)
    dilations: tuple[int, ...] = (2, 4, 8)
    decoder_blocks: tuple[int, int] = (1, 1)
    recurrent: bool = True


State = tuple[Tensor, Tensor]


class ConvLstm(nn.Module):
    """A convolutional LSTM cell; input, output and state have ``channels``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 4 * channels, 3, padding=1)
        # Remember at first (Jozefowicz et al., 2015).
        with torch.no_grad():
            self.gates.bias[channels : 2 * channels] = 1.0  # type: ignore[index]

    def forward(self, x: Tensor, state: State) -> State:
        """From [N, C, H, W] and (hidden, cell) of that shape to the next (hidden, cell)."""
        hidden, cell = state
        parts = self.gates(torch.cat([x, hidden], dim=1)).chunk(4, dim=1)
        enter, keep, show = (torch.sigmoid(part) for part in parts[:3])
        cell = keep * cell + enter * torch.tanh(parts[3])
        return show * torch.tanh(cell), cell


class Forgetful(nn.Module):
    """What stands for the LSTM where stages are not joined: a convolution of about its cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, 7 * channels, 3, padding=1)
        self.narrow = nn.Conv2d(7 * channels, channels, 1)

    def forward(self, x: Tensor, state: State) -> State:
        return torch.tanh(self.narrow(F.leaky_relu(self.wide(x), SLOPE))), state[1]


class StagedInpainter(nn.Module):
    """Inpainting in stages, all of which one generator makes."""

    size_multiple = 16

    def __init__(self, config: StagedConfig | None = None) -> None:
        super().__init__()
        config = config or StagedConfig()
        self.config = config
        quarter, eighth, sixteenth = config.widths
        self.fill = PullPushFill()
        self.stem = nn.Conv2d(5, quarter, 8, stride=4, padding=2)
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = ResidualBlock(eighth)
        self.down16 = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.middle = nn.Sequential(
            *(ResidualBlock(sixteenth, dilation) for dilation in config.dilations),
            GlobalContext(sixteenth),
        )
        self.join = ConvLstm(sixteenth) if config.recurrent else Forgetful(sixteenth)
        self.joined = nn.Conv2d(sixteenth, sixteenth, 1)
        self.up8 = nn.Conv2d(sixteenth, eighth, 1)
        self.decode8 = residual_blocks(eighth, config.decoder_blocks[0])
        self.up4 = nn.Conv2d(eighth, quarter, 1)
        self.decode4 = residual_blocks(quarter, config.decoder_blocks[1])
        self.head = nn.Conv2d(quarter, 48, 3, padding=1)
        start_at_zero(self.head)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Repairs a picture.

        image: [N, 3, H, W], RGB in [0, 1]; what is under the mask is ignored.
        mask: [N, 1, H, W], 1 where the picture is to be repaired, else 0.
        H and W are multiples of :attr:`size_multiple`. Returns the repaired picture, and the
        pictures after each stage, [N, 3 * stages, H, W]; in those what is left of the hole shows
        what the stage made of it. Known pixels are unchanged.
        """
        picture, left = image * (1.0 - mask), mask
        state: State | None = None
        stages = []
        for depth in (*self.config.depths, None):
            repaired, state = self._stage(picture, left, mask, state)
            after = torch.zeros_like(left) if depth is None else shrink(left, depth)
            done = left - after
            picture = picture * (1.0 - done) + repaired * done
            stages.append(picture + after * (repaired - picture))
            left = after
        return picture, torch.cat(stages, dim=1)

    def _stage(
        self, picture: Tensor, left: Tensor, mask: Tensor, state: State | None
    ) -> tuple[Tensor, State]:
        """One run of the generator: the picture with all that is left of the hole repaired."""
        with torch.autocast(picture.device.type, enabled=False):  # worth full precision
            filled = self.fill(picture.float(), left.float())
        x = torch.cat([filled - 0.5, left - 0.5, mask - 0.5], dim=1)
        skip4 = F.leaky_relu(self.stem(x), SLOPE)  # [N, C4, H/4, W/4]
        skip8 = self.encode8(F.leaky_relu(self.down8(skip4), SLOPE))
        x = self.middle(F.leaky_relu(self.down16(skip8), SLOPE))  # [N, C16, H/16, W/16]
        if state is None:
            state = torch.zeros_like(x), torch.zeros_like(x)
        state = self.join(x, state)
        x = x + self.joined(state[0])
        x = self.decode8(skip8 + double(self.up8(x)))
        x = self.decode4(skip4 + double(self.up4(x)))
        return filled + left * F.pixel_shuffle(self.head(x), 4), state


def shrink(mask: Tensor, depth: int) -> Tensor:
    """Takes ``depth`` pixels off the border of a mask [N, 1, H, W]; the picture's edge is none."""
    known = 1.0 - mask
    known = F.max_pool2d(known, (2 * depth + 1, 1), stride=1, padding=(depth, 0))
    known = F.max_pool2d(known, (1, 2 * depth + 1), stride=1, padding=(0, depth))
    return 1.0 - known
