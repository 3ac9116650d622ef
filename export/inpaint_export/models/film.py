"""``film``: undoes damage of film and old photographs where it is marked; ``sarnn`` family.

After SARNN (Zhang E. et al., 2021): attention finds the damage, recurrences along rows and columns
see a scratch over its whole length, and residual blocks under attention repair it. Here the
attention is a detector's, which looks at a picture in several sizes and judges connected regions,
and comes in as a mask. Unlike other inpainting models, this one looks under it: damage that lets
light through is undone and not painted over. A pixel under an opacity ``a`` of a colour ``c`` is
``(1 - a) * scene + a * c``, so the scene is a gain and an offset away from it. An inpainting
network within, which is held as it was trained, says what is under opaque damage; what is marked
and not damaged can stay as it is.
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
    ResidualBlock,
    double,
    start_at_zero,
)
from inpaint_export.models.cnn import PHOTO, CnnConfig, CnnInpainter
from inpaint_export.models.declarations import in_full_precision
from inpaint_export.models.kind_detector import CONTRAST
from inpaint_sdk import Memory
from inpaint_sdk.options import OVERLAY


@dataclass(frozen=True)
class FilmConfig:
    """Sizes of a :class:`FilmRestorer`.

    fine: channels at the picture's resolution.
    widths: channels at 1/2, 1/4 and 1/8 of it.
    inpainter: sizes of the network that fills what is opaque.
    scanned: channels that are scanned along rows and columns at 1/4. rounds: of recurrence.
    """

    fine: int = 16
    widths: tuple[int, int, int] = (32, 48, 96)
    inpainter: CnnConfig = PHOTO
    scanned: int = 32
    rounds: int = 2


class AlongLines(nn.Module):
    """Adds to features what lies along their rows and columns, of damage and beside it apart.

    A scratch's colour and opacity are told by all of its length, and the scene by what is not
    under it.
    """

    def __init__(self, channels: int, scanned: int, rounds: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, scanned, 1)
        self.rounds = nn.Sequential(*(AveragingRound(scanned) for _ in range(rounds)))
        self.leave = nn.Conv2d(scanned, channels, 1)
        start_at_zero(self.leave)

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        """x: [N, C, H, W]. share: of each position that is damaged, [N, 1, H, W]."""
        damaged, beside = F.leaky_relu(self.enter(x), SLOPE).chunk(2, dim=1)
        seen = torch.cat((damaged * share, beside * (1.0 - share)), dim=1)
        return x + self.leave(self.rounds(seen))


class FilmRestorer(nn.Module):
    """Restores the marked parts of a picture, whose damage may be half-transparent."""

    size_multiple = 16
    memory = Memory(bytes_per_pixel=400)
    kinds = tuple(kind for kind in KINDS if kind != OVERLAY)
    full_precision = ("inpainter.fill",)
    adamw = ("fine_stem", "head", "fine_head")

    def __init__(self, config: FilmConfig | None = None) -> None:
        super().__init__()
        config = config or FilmConfig()
        half, quarter, eighth = config.widths
        self.inpainter = CnnInpainter(config.inpainter)
        self.fine_stem = nn.Conv2d(7, config.fine, 3, padding=1)
        self.down2 = nn.Conv2d(config.fine, half, 2, stride=2)
        self.encode2 = ResidualBlock(half)
        self.down4 = nn.Conv2d(half, quarter, 2, stride=2)
        self.encode4 = ResidualBlock(quarter)
        self.along = AlongLines(quarter, config.scanned, config.rounds)
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = ResidualBlock(eighth, padding=REPLICATE)
        self.decode8 = ResidualBlock(eighth, padding=REPLICATE)
        # Unfolded and not enlarged, so that what lies off a cell's middle can be told.
        self.up4 = nn.Conv2d(eighth, 4 * quarter, 1)
        self.decode4 = ResidualBlock(quarter)
        self.up2 = nn.Conv2d(quarter, 4 * half, 1)
        self.decode2 = ResidualBlock(half)
        self.head = nn.Conv2d(half, 4 * 6, 1)
        self.up1 = nn.Conv2d(half, config.fine, 1)
        self.fine_head = nn.Conv2d(config.fine, 6, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        """Keep the signals' strength through the layers, since there are no normalisations."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d) and not name.startswith("inpainter."):
                assert module.bias is not None
                nn.init.zeros_(module.bias)
                # What is added to something else starts at zero.
                if name in ("head", "fine_head") or name.endswith(("conv2", "leave", "expand")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, a=SLOPE)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """The picture restored where a mask marks it, [N, 3, H, W].

        image: [N, 3, H, W], RGB in [0, 1]. mask: [N, 1, H, W], 1 there, else 0. H and W are
        multiples of :attr:`size_multiple`. The result may leave [0, 1] a little under the mask, and
        is the picture itself elsewhere.
        """
        filled: Tensor = self.inpainter(image, mask)
        with in_full_precision(image.device):
            stands_out = image - filled
        seen = ((image - 0.5) * CONTRAST, stands_out * CONTRAST, mask - 0.5)
        fine = F.leaky_relu(self.fine_stem(torch.cat(seen, dim=1)), SLOPE)  # [N, C1, H, W]
        share = F.avg_pool2d(mask, 4)  # [N, 1, H/4, W/4]
        attention = F.max_pool2d(mask, 8)  # [N, 1, H/8, W/8]
        skip2 = self.encode2(F.leaky_relu(self.down2(fine), SLOPE))  # [N, C2, H/2, W/2]
        skip4 = self.encode4(F.leaky_relu(self.down4(skip2), SLOPE))  # [N, C4, H/4, W/4]
        skip4 = self.along(skip4, share)
        skip8 = self.encode8(F.leaky_relu(self.down8(skip4), SLOPE))  # [N, C8, H/8, W/8]
        x = skip8 + attention * (self.decode8(skip8) - skip8)
        x = self.decode4(skip4 + F.pixel_shuffle(self.up4(x), 2))
        x = self.decode2(skip2 + F.pixel_shuffle(self.up2(x), 2))
        fine = F.leaky_relu(fine + double(self.up1(x)), SLOPE)
        heads = F.pixel_shuffle(self.head(x), 2) + self.fine_head(fine)
        gain, offset = heads.chunk(2, dim=1)  # [N, 3, H, W] each
        return filled + mask * (gain * stands_out + offset)
