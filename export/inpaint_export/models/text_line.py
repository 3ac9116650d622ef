"""The reader of text lines: a convolutional network, a bidirectional LSTM, and CTC's alphabet.

After Shi et al., "An End-to-End Trainable Neural Network for Image-based Sequence Recognition"
(TPAMI 2017). Heights are reduced faster than widths, so that a column of features is a quarter as
wide as a pixel's, and narrow letters still have columns of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_eval.text_lines import CHARACTERS, LINE_HEIGHT
from inpaint_sdk import Memory

STRIDE = 4
"""Pixels of width for each step of the sequence."""

CONTRAST_FLOOR = 0.03
"""Added to a line's standard deviation, 8 of 255, so that noise on a blank one stays small."""


@dataclass(frozen=True)
class TextLineConfig:
    """Sizes of a :class:`TextLine`.

    widths: channels at 1/2, of two layers at 1/4, and of one at 1/8 of the line's height.
    hidden: of the LSTM, in each direction. layers: of the LSTM.
    """

    widths: tuple[int, int, int, int] = (16, 32, 56, 96)
    hidden: int = 112
    layers: int = 2


def _layer(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class TextLine(nn.Module):
    """From a line of text to the log-probabilities of characters along it."""

    size_multiple = STRIDE
    memory = Memory(bytes_per_pixel=200)
    alphabet = CHARACTERS
    # Muon gains nothing on an LSTM of this size, for a third more time a step.
    adamw = ("stem", "head", "lstm")

    def __init__(self, config: TextLineConfig | None = None) -> None:
        super().__init__()
        config = config or TextLineConfig()
        first, second, third, fourth = config.widths
        self.stem = _layer(1, first, 2)
        self.halved = _layer(first, second)
        self.quartered = nn.Sequential(_layer(second, third), _layer(third, third))
        self.eighths = _layer(third, fourth)
        features = 2 * config.hidden
        self.column = nn.Sequential(
            nn.Linear(fourth * LINE_HEIGHT // 8, features),
            nn.LayerNorm(features),
        )
        self.lstm = nn.LSTM(
            features, config.hidden, config.layers, batch_first=True, bidirectional=True
        )
        self.head = nn.Linear(features, 1 + len(CHARACTERS))
        # Most steps are blank, which CTC would take a hundred steps of training to find out.
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(self.head.bias[:1], 4.0)

    def forward(self, image: Tensor) -> Tensor:
        """Reads a line.

        image: [N, 3, 32, W] in [0, 1], or [N, 1, 32, W]; W is a multiple of ``STRIDE``. Returns
        log-probabilities [N, W / 4, 1 + C]: CTC's blank, then :attr:`alphabet`.
        """
        grey = image.mean(dim=1, keepdim=True)
        grey = grey - grey.mean(dim=(2, 3), keepdim=True)
        spread = grey.square().mean(dim=(2, 3), keepdim=True).sqrt()
        x = self.stem(grey / (spread + CONTRAST_FLOOR))  # [N, C1, 16, W/2]
        x = F.max_pool2d(self.halved(x), 2)  # [N, C2, 8, W/4]
        x = F.max_pool2d(self.quartered(x), (2, 1))  # [N, C3, 4, W/4]
        x = self.eighths(x)  # [N, C4, 4, W/4]
        x = self.column(x.flatten(1, 2).transpose(1, 2))  # [N, W/4, 2 * hidden]
        x, _ = self.lstm(x)
        return torch.log_softmax(self.head(x), dim=2)
