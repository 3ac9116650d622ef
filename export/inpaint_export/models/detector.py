"""The damage detector: a U-Net from a half to a sixteenth of the picture's resolution, refined.

A scratch is a pixel or two wide, so much of the work is done at half resolution, whose channels
hold every pixel. What tells damage from the picture's own lines needs a wider view, which is
gathered at an eighth and a sixteenth, where it is cheap. There, where all of a small crop is near
its border, convolutions see the border continued; at the finer resolutions few cells are, and
zeros save a quarter of a step. Which pixels of a cell are damaged is then corrected by a few
channels of full resolution, where the picture itself shows the damage's edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.models.blocks import (
    REPLICATE,
    SLOPE,
    GlobalContext,
    ResidualBlock,
    residual_blocks,
)
from inpaint_sdk import Memory

CONTRAST = 4.0
"""What pictures are multiplied with, so that they vary by about 1."""

RARE = -3.0
"""Where the logits start: about one pixel in twenty is damaged."""


@dataclass(frozen=True)
class DetectorConfig:
    """Sizes of a :class:`Detector`.

    fine: channels at the picture's resolution.
    widths: channels at 1/2, 1/4, 1/8 and 1/16 of the picture's resolution.
    blocks: residual blocks at 1/2, 1/4 and 1/8, on both ways.
    dilations: one residual block at 1/16 for each entry, with that dilation.
    """

    fine: int = 8
    widths: tuple[int, int, int, int] = (32, 48, 96, 128)
    blocks: tuple[int, int, int] = (1, 1, 1)
    dilations: tuple[int, ...] = (2, 4)


class Detector(nn.Module):
    """From a picture to the probability that each pixel is damaged."""

    size_multiple = 16
    memory = Memory(bytes_per_pixel=200)
    kinds = ("damage",)
    adamw = ("stem", "fine_stem", "head", "fine_head")

    def __init__(self, config: DetectorConfig | None = None) -> None:
        super().__init__()
        config = config or DetectorConfig()
        half, quarter, eighth, sixteenth = config.widths
        self.fine_stem = nn.Conv2d(3, config.fine, 3, padding=1)
        self.fine_conv = nn.Conv2d(config.fine, config.fine, 3, padding=1)
        self.down2 = nn.Conv2d(config.fine, half, 2, stride=2)
        self.stem = nn.Conv2d(3, half, 6, stride=2, padding=2)
        self.encode2 = residual_blocks(half, config.blocks[0])
        self.down4 = nn.Conv2d(half, quarter, 2, stride=2)
        self.encode4 = residual_blocks(quarter, config.blocks[1])
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = residual_blocks(eighth, config.blocks[2], REPLICATE)
        self.down16 = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.middle = nn.Sequential(
            *(ResidualBlock(sixteenth, dilation, REPLICATE) for dilation in config.dilations),
            GlobalContext(sixteenth),
        )
        # Unfolded and not enlarged, so that what lies off a cell's middle can be told.
        self.up8 = nn.Conv2d(sixteenth, 4 * eighth, 1)
        self.decode8 = residual_blocks(eighth, config.blocks[2], REPLICATE)
        self.up4 = nn.Conv2d(eighth, 4 * quarter, 1)
        self.decode4 = residual_blocks(quarter, config.blocks[1])
        self.up2 = nn.Conv2d(quarter, 4 * half, 1)
        self.decode2 = residual_blocks(half, config.blocks[0])
        self.head = nn.Conv2d(half, 4, 3, padding=1)
        self.up1 = nn.Conv2d(half, 4 * config.fine, 1)
        self.fine_mix = nn.Conv2d(config.fine, config.fine, 3, padding=1)
        self.fine_head = nn.Conv2d(config.fine, 1, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """So that signals keep their strength through the layers: there are no normalisations."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                assert module.bias is not None
                nn.init.zeros_(module.bias)
                # What is added to something else starts at zero, as conv2 of a residual block does.
                if name in ("head", "fine_head", "down2") or name.endswith("conv2"):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, a=SLOPE)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, RARE)

    def logits(self, image: Tensor) -> Tensor:
        """As :meth:`forward`, before the sigmoid."""
        contrast = (image - 0.5) * CONTRAST
        fine = F.leaky_relu(self.fine_stem(contrast), SLOPE)
        fine = F.leaky_relu(self.fine_conv(fine), SLOPE)  # [N, C1, H, W]
        skip2 = F.leaky_relu(self.stem(contrast) + self.down2(fine), SLOPE)
        skip2 = self.encode2(skip2)  # [N, C2, H/2, W/2]
        skip4 = self.encode4(F.leaky_relu(self.down4(skip2), SLOPE))
        skip8 = self.encode8(F.leaky_relu(self.down8(skip4), SLOPE))
        x = self.middle(F.leaky_relu(self.down16(skip8), SLOPE))  # [N, C16, H/16, W/16]
        x = self.decode8(skip8 + F.pixel_shuffle(self.up8(x), 2))
        x = self.decode4(skip4 + F.pixel_shuffle(self.up4(x), 2))
        x = self.decode2(skip2 + F.pixel_shuffle(self.up2(x), 2))
        fine = F.leaky_relu(fine + F.pixel_shuffle(self.up1(x), 2), SLOPE)
        fine = F.leaky_relu(self.fine_mix(fine), SLOPE)
        return F.pixel_shuffle(self.head(x), 2) + self.fine_head(fine)

    def forward(self, image: Tensor) -> Tensor:
        """Finds damage.

        image: [N, 3, H, W], RGB in [0, 1]; H and W are multiples of :attr:`size_multiple`. Returns
        [N, 1, H, W] from 0 to 1.
        """
        return torch.sigmoid(self.logits(image))
