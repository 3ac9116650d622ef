"""The ``lstm`` family: a hole is filled from its border inward, in stages that an LSTM joins.

After the survey's section 3.3 (Zhang Z. et al., 2020) and its public ancestor (Zhang et al.,
"Semantic Image Inpainting with Progressive Generative Networks", ACM MM 2018). One short
encoder-decoder serves every stage: it repairs what is left of the hole, of which the ring next to
the border is kept, and the next stage goes on from there. A convolutional LSTM (Shi et al., NeurIPS
2015) at the bottleneck tells a stage what the ones before it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import SLOPE, start_at_zero
from inpaint_export.models.cnn import COARSE, CnnConfig, CnnInpainter
from inpaint_sdk import Memory


@dataclass(frozen=True)
class StagedConfig:
    """Sizes of a :class:`StagedInpainter`.

    generator: of every stage. depths: pixels that each stage but the last goes inward from the
    border, growing; the last one fills what is left. An empty tuple makes a single stage.
    state: channels of the LSTM. recurrent: whether it joins the stages. Without it convolutions of
    about its cost stand in its place.
    """

    generator: CnnConfig = COARSE
    depths: tuple[int, ...] = (14, 34)
    state: int = 72
    recurrent: bool = True


State = tuple[Tensor, Tensor]


class ConvLstm(nn.Module):
    """A convolutional LSTM cell; input, output and state have ``channels``."""

    stacked: ClassVar = {"gates.weight": 4}

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
        input_gate, forget_gate, output_gate = (torch.sigmoid(part) for part in parts[:3])
        cell = forget_gate * cell + input_gate * torch.tanh(parts[3])
        return output_gate * torch.tanh(cell), cell


class FeedForwardCell(nn.Module):
    """In the LSTM's place where stages are not joined: convolutions of about its cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, 7 * channels, 3, padding=1)
        self.narrow = nn.Conv2d(7 * channels, channels, 1)

    def forward(self, x: Tensor, state: State) -> State:
        return torch.tanh(self.narrow(F.leaky_relu(self.wide(x), SLOPE))), state[1]


class StagedInpainter(nn.Module):
    """Inpainting in stages, all of which one generator makes."""

    size_multiple = CnnInpainter.size_multiple
    memory = Memory(bytes_per_pixel=200)

    def __init__(self, config: StagedConfig | None = None) -> None:
        super().__init__()
        config = config or StagedConfig()
        self.config = config
        self.generator = CnnInpainter(config.generator)
        sixteenth = config.generator.widths[2]
        # Beside the features: how much of each cell was a hole at first, and still is.
        self.enter = nn.Conv2d(sixteenth + 2, config.state, 1)
        self.join = ConvLstm(config.state) if config.recurrent else FeedForwardCell(config.state)
        self.leave = nn.Conv2d(config.state, sixteenth, 1)
        start_at_zero(self.leave)

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
        filled = self.generator.filled(picture, left)
        features = self.generator.encode(filled, left)
        x = features.sixteenth
        shares = F.avg_pool2d(torch.cat([left, mask], dim=1), 16)  # [N, 2, H/16, W/16]
        entered = F.leaky_relu(self.enter(torch.cat([x, shares.to(x.dtype)], dim=1)), SLOPE)
        if state is None:
            state = torch.zeros_like(entered), torch.zeros_like(entered)
        state = self.join(entered, state)
        features = features._replace(sixteenth=x + self.leave(state[0]))
        return filled + left * self.generator.decode(features), state


def shrink(mask: Tensor, depth: int) -> Tensor:
    """Takes ``depth`` pixels off the border of a mask [N, 1, H, W]; the picture's edge is none."""
    known = 1.0 - mask
    known = F.max_pool2d(known, (2 * depth + 1, 1), stride=1, padding=(depth, 0))
    known = F.max_pool2d(known, (1, 2 * depth + 1), stride=1, padding=(0, depth))
    return 1.0 - known
