"""The damage detector that tells kinds apart: a U-Net from full resolution to a sixteenth.

What is damaged is decided by how it stands out from its surroundings and by what the surroundings
are. Specks of a few pixels stand out from medians, whose residuals the network is given at full
resolution together with the picture. Scratches along the film are faint at each point and plain
over their length: a directional scan at a quarter of the resolution follows rows and columns
across the picture. What tells a scene's own lines and dots from damage needs a wider view, which
is gathered at an eighth and a sixteenth, where it is cheap, and knowledge of what scenes hold,
which comes from a network that learned to tell objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.data.film_damage import KINDS
from inpaint_export.models.averaging import AveragingRound
from inpaint_export.models.blocks import (
    REPLICATE,
    SLOPE,
    GlobalContext,
    ResidualBlock,
    double,
    residual_blocks,
    start_at_zero,
)
from inpaint_export.models.declarations import in_full_precision
from inpaint_export.models.median import median3, median7
from inpaint_export.models.scene import WIDTHS, SceneFeatures
from inpaint_sdk import Memory

CONTRAST = 4.0
"""What pictures are multiplied with, so that they vary by about 1."""

RARE = -3.0
"""Where the logits start: one pixel in twenty is damaged. No kind is as frequent, so that what is
damaged has a slope to rise on."""

NOISE_FLOOR = 0.012
"""Added to the mean absolute residual, 3 of 255, so that flat areas do not divide by zero."""

NOISE_CELL = 8
"""Side of the cells, in pixels, over which the residual is averaged to tell how noisy they are."""


@dataclass(frozen=True)
class KindDetectorConfig:
    """Sizes of a :class:`KindDetector`.

    fine: channels at the picture's resolution.
    widths: channels at 1/2, 1/4, 1/8 and 1/16 of the picture's resolution.
    blocks: residual blocks at 1/2, 1/4 and 1/8, in the encoder and again in the decoder.
    dilations: one residual block at 1/16 for each entry, with that dilation.
    scanned: channels that are scanned along rows and columns at 1/4; 0 leaves the scan out.
    """

    fine: int = 16
    widths: tuple[int, int, int, int] = (32, 48, 80, 112)
    blocks: tuple[int, int, int] = (1, 1, 1)
    dilations: tuple[int, ...] = (1, 2)
    scanned: int = 32


class MedianResiduals(nn.Module):
    """How far pixels stand out from the medians around them, absolutely and over the noise there.

    Returns [N, 5, H, W]: the residuals to the medians of 3x3 and 7x7 pixels of the mean over
    colours, times the contrast; the same two divided by the mean absolute 3x3 residual of cells
    around, within [-1, 1], 1 at 8 times the noise; and that noise, times the contrast.
    """

    def forward(self, image: Tensor) -> Tensor:
        """image: [N, 3, H, W] in [0, 1]; H and W are multiples of ``NOISE_CELL``."""
        grey = image.mean(dim=1, keepdim=True)
        near = median3(grey)
        residuals = torch.cat((grey - near, grey - median7(near)), dim=1)
        noise = F.avg_pool2d(residuals[:, :1].abs(), NOISE_CELL)
        around = F.pad(noise, (1, 1, 1, 1), mode="replicate")
        noise = F.avg_pool2d(around, 3, stride=1)
        noise = F.interpolate(noise, scale_factor=float(NOISE_CELL), mode="nearest")
        relative = (residuals / (8.0 * (noise + NOISE_FLOOR))).clamp(-1.0, 1.0)
        return torch.cat((residuals * CONTRAST, relative, noise * CONTRAST), dim=1)


class LongView(nn.Module):
    """Adds to features what lies along their rows and columns, across the picture."""

    def __init__(self, channels: int, scanned: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, scanned, 1)
        self.round = AveragingRound(scanned)
        self.leave = nn.Conv2d(scanned, channels, 1)
        start_at_zero(self.leave)

    def forward(self, x: Tensor) -> Tensor:
        """From and to [N, C, H, W]."""
        return x + self.leave(self.round(self.enter(x)))


class KindDetector(nn.Module):
    """From a picture to the probability of each kind of damage at each pixel."""

    size_multiple = 16
    memory = Memory(bytes_per_pixel=400)
    kinds = KINDS
    logit_bias = "fine_head.bias"
    adamw = ("fine_stem", "head", "fine_head")

    def __init__(self, config: KindDetectorConfig | None = None) -> None:
        super().__init__()
        config = config or KindDetectorConfig()
        half, quarter, eighth, sixteenth = config.widths
        self.residuals = MedianResiduals()
        self.fine_stem = nn.Conv2d(8, config.fine, 3, padding=1)
        self.down2 = nn.Conv2d(config.fine, half, 2, stride=2)
        self.encode2 = residual_blocks(half, config.blocks[0])
        self.down4 = nn.Conv2d(half, quarter, 2, stride=2)
        self.encode4 = residual_blocks(quarter, config.blocks[1])
        self.long_view = LongView(quarter, config.scanned) if config.scanned else nn.Identity()
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = residual_blocks(eighth, config.blocks[2], REPLICATE)
        self.down16 = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.scene = SceneFeatures()
        self.from_scene = nn.ModuleList(
            nn.Conv2d(of_scene, width, 1)
            for of_scene, width in zip(WIDTHS, config.widths[1:], strict=True)
        )
        for layer in self.from_scene:
            start_at_zero(layer)
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
        self.head = nn.Conv2d(half, 4 * len(KINDS), 1)
        self.up1 = nn.Conv2d(half, config.fine, 1)
        self.fine_head = nn.Conv2d(config.fine, len(KINDS), 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Keep the signals' strength through the layers, since there are no normalisations."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d) and not name.startswith("scene."):
                assert module.bias is not None
                nn.init.zeros_(module.bias)
                # What is added to something else starts at zero.
                last = name in ("head", "fine_head") or name.startswith("from_scene.")
                if last or name.endswith(("conv2", "leave", "expand")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, a=SLOPE)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, RARE)

    def logits(self, image: Tensor) -> Tensor:
        """As :meth:`forward`, before the sigmoid."""
        with in_full_precision(image.device):
            seen = torch.cat(((image - 0.5) * CONTRAST, self.residuals(image)), dim=1)
        fine = F.leaky_relu(self.fine_stem(seen), SLOPE)  # [N, C1, H, W]
        skip2 = self.encode2(F.leaky_relu(self.down2(fine), SLOPE))  # [N, C2, H/2, W/2]
        scene = self.scene(image)
        known4, known8, known16 = (f(x) for f, x in zip(self.from_scene, scene, strict=True))
        skip4 = self.encode4(F.leaky_relu(self.down4(skip2), SLOPE) + known4)
        skip4 = self.long_view(skip4)
        skip8 = self.encode8(F.leaky_relu(self.down8(skip4), SLOPE) + known8)
        x = F.leaky_relu(self.down16(skip8), SLOPE) + known16  # [N, C16, H/16, W/16]
        x = self.middle(x)
        x = self.decode8(skip8 + F.pixel_shuffle(self.up8(x), 2))
        x = self.decode4(skip4 + F.pixel_shuffle(self.up4(x), 2))
        x = self.decode2(skip2 + F.pixel_shuffle(self.up2(x), 2))
        fine = F.leaky_relu(fine + double(self.up1(x)), SLOPE)
        return F.pixel_shuffle(self.head(x), 2) + self.fine_head(fine)

    def forward(self, image: Tensor) -> Tensor:
        """Finds damage by kind.

        image: [N, 3, H, W], RGB in [0, 1]; H and W are multiples of :attr:`size_multiple`. Returns
        [N, 5, H, W] from 0 to 1, one channel for each of
        :data:`inpaint_export.data.film_damage.KINDS`; a pixel may be damaged by several.
        """
        return torch.sigmoid(self.logits(image))
