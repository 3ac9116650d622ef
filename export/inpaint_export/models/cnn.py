"""The ``cnn`` family: a mask-aware encoder-decoder that repairs what a classical fill gets wrong.

Made for the edge: the picture is folded to 1/4 resolution by its first convolution and unfolded by
its last, most arithmetic happens at 1/8 and 1/16, a few channels at 1/2 hold every pixel for what
is thin, and every operator is one that ONNX Runtime, TensorRT and int8 run well. Context comes from
dilated convolutions (Yu and Koltun, 2016) and a pooled global branch (as in Hu et al.,
"Squeeze-and-Excitation", 2018).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

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
from inpaint_export.models.declarations import in_full_precision
from inpaint_export.models.fill import PullPushFill
from inpaint_sdk import Memory


@dataclass(frozen=True)
class CnnConfig:
    """Sizes of a :class:`CnnInpainter`.

    widths: channels at 1/4, 1/8 and 1/16 of the picture's resolution.
    encoder_blocks: residual blocks at 1/4 and 1/8 before going down.
    dilations: one residual block at 1/16 for each entry, with that dilation.
    decoder_blocks: residual blocks at 1/8 and 1/4 after coming up.
    half: channels at 1/2, where lines of a pixel or two are drawn; 0 for no such path.
    """

    widths: tuple[int, int, int] = (48, 96, 192)
    encoder_blocks: tuple[int, int] = (1, 2)
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    decoder_blocks: tuple[int, int] = (2, 1)
    half: int = 0


COARSE = CnnConfig(
    widths=(48, 96, 176), encoder_blocks=(0, 1), dilations=(2, 4, 8), decoder_blocks=(2, 1)
)
"""Of models for wide holes, in which lines of a pixel or two are not what is missing."""

PHOTO = replace(COARSE, half=16)
"""Of the model ``photo``."""


class Features(NamedTuple):
    """Of a picture: [N, C4, H/4, W/4], [N, C8, H/8, W/8], [N, C16, H/16, W/16], [N, C2, H/2, W/2].

    The last is None where the network has no path at half resolution.
    """

    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor
    half: Tensor | None = None


class CnnInpainter(nn.Module):
    """Inpainting: ``PullPushFill`` and a learned residual."""

    size_multiple = 16
    full_precision = ("fill",)

    def __init__(self, config: CnnConfig | None = None) -> None:
        super().__init__()
        config = config or CnnConfig()
        quarter, eighth, sixteenth = config.widths
        self.fill = PullPushFill()
        self.stem = nn.Conv2d(4, quarter, 8, stride=4, padding=2)
        self.encode4 = residual_blocks(quarter, config.encoder_blocks[0])
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = residual_blocks(eighth, config.encoder_blocks[1])
        self.down16 = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        middle: list[nn.Module] = []
        for index, dilation in enumerate(config.dilations):
            middle.append(ResidualBlock(sixteenth, dilation))
            if index % 2 == 1:
                middle.append(GlobalContext(sixteenth))
        self.middle = nn.Sequential(*middle)
        self.up8 = nn.Conv2d(sixteenth, eighth, 1)
        self.decode8 = residual_blocks(eighth, config.decoder_blocks[0])
        self.up4 = nn.Conv2d(eighth, quarter, 1)
        self.decode4 = residual_blocks(quarter, config.decoder_blocks[1])
        self.head = nn.Conv2d(quarter, 48, 3, padding=1)
        start_at_zero(self.head)
        self.has_half = config.half > 0
        if self.has_half:
            self.stem2 = nn.Conv2d(4, config.half, 6, stride=2, padding=2)
            self.down4 = nn.Conv2d(config.half, quarter, 2, stride=2)
            self.up2 = nn.Conv2d(quarter, config.half, 1)
            self.decode2 = ResidualBlock(config.half)
            self.head2 = nn.Conv2d(config.half, 12, 3, padding=1)
            # Both start at zero, so that the path can be added to a network that is trained.
            for layer in (self.down4, self.head2):
                start_at_zero(layer)

    @property
    def memory(self) -> Memory:
        """Measured, with the path at half resolution and without."""
        return Memory(bytes_per_pixel=120 if self.has_half else 100)

    @property
    def adamw(self) -> tuple[str, ...]:
        """First and last layers."""
        return ("stem", "head", "stem2", "head2") if self.has_half else ("stem", "head")

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Repairs a picture.

        image: [N, 3, H, W], RGB in [0, 1]; what is under the mask is ignored.
        mask: [N, 1, H, W], 1 where the picture is to be repaired, else 0.
        H and W are multiples of :attr:`size_multiple`. Returns [N, 3, H, W]; known pixels are
        unchanged, repaired ones may leave [0, 1] a little.
        """
        filled = self.filled(image, mask)
        return filled + mask * self.decode(self.encode(filled, mask))

    def encoder_layers(self) -> tuple[nn.Module, ...]:
        """What :meth:`encode` is made of."""
        half = (self.stem2, self.down4) if self.has_half else ()
        whole = self.stem, self.encode4, self.down8, self.encode8, self.down16, self.middle
        return *half, *whole

    def filled(self, image: Tensor, mask: Tensor) -> Tensor:
        """The picture with its hole filled smoothly, which the network starts from."""
        with in_full_precision(image.device):  # the fill is worth it
            filled: Tensor = self.fill(image, mask)
        return filled

    def encode(self, filled: Tensor, mask: Tensor) -> Features:
        """What the network sees of a filled picture, at three or four sizes."""
        x = torch.cat([filled - 0.5, mask - 0.5], dim=1)
        half, quarter = None, self.stem(x)
        if self.has_half:
            half = F.leaky_relu(self.stem2(x), SLOPE)
            quarter = quarter + self.down4(half)
        quarter = self.encode4(F.leaky_relu(quarter, SLOPE))
        eighth = self.encode8(F.leaky_relu(self.down8(quarter), SLOPE))
        sixteenth = self.middle(F.leaky_relu(self.down16(eighth), SLOPE))
        return Features(quarter, eighth, sixteenth, half)

    def decode(self, features: Features, condition: Tensor | None = None) -> Tensor:
        """What is to be added to the fill, [N, 3, H, W].

        condition: what else is known of the picture, added to the features [N, C8, H/8, W/8].
        """
        x = features.eighth + double(self.up8(features.sixteenth))
        x = self.decode8(x if condition is None else x + condition)
        x = self.decode4(features.quarter + double(self.up4(x)))
        residual = F.pixel_shuffle(self.head(x), 4)
        if features.half is None:
            return residual
        x = self.decode2(features.half + double(self.up2(x)))
        return residual + F.pixel_shuffle(self.head2(x), 2)
