"""``film``: restores damaged film and old photographs without a mask; of the ``sarnn`` family.

After SARNN (Zhang E. et al., 2021): attention finds the damage, recurrences along rows and columns
see a scratch over its whole length, and residual blocks under attention repair it. Here the
attention is a detector's, which is held as it was trained, and what it does not find comes back
bit for bit. Damage that lets light through is undone and not painted over: a pixel under an
opacity ``a`` of a colour ``c`` is ``(1 - a) * scene + a * c``, so the scene is a gain and an offset
away from it. What is opaque begins as a smooth fill.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
    start_at_zero,
)
from inpaint_export.models.declarations import in_full_precision
from inpaint_export.models.fill import PullPushFill
from inpaint_export.models.kind_detector import CONTRAST, KindDetector, KindDetectorConfig
from inpaint_sdk import Memory
from inpaint_sdk.options import OVERLAY, DetectionOptions

MARGIN = 2
"""Pixels around what is found that are restored too: edges are soft, and scanners' halos wide."""

PHYSICAL = tuple(index for index, kind in enumerate(KINDS) if kind != OVERLAY)
"""Channels of the detector's kinds that are looked for by default."""

DETECTION = DetectionOptions()
"""How sure the detector must be: as the SDK asks for by default."""

SLOPE_WIDTH = 0.05
"""Of probability."""

CELL = 8
"""Side of the cells, in pixels, over whose 3x3 neighbourhood the found pixels are judged."""


@dataclass(frozen=True)
class FilmConfig:
    """Sizes of a :class:`FilmRestorer`.

    detector: of the detector within. fine: channels at the picture's resolution.
    widths: channels at 1/2, 1/4, 1/8 and 1/16 of it.
    dilations: one residual block at 1/16 for each entry, with that dilation.
    scanned: channels that are scanned along rows and columns at 1/4. rounds: of recurrence.
    """

    detector: KindDetectorConfig = field(default_factory=KindDetectorConfig)
    fine: int = 16
    widths: tuple[int, int, int, int] = (32, 48, 96, 112)
    dilations: tuple[int, ...] = (1, 2)
    scanned: int = 32
    rounds: int = 2


class Attention(nn.Module):
    """Where a detector finds physical damage: every kind but what is laid over a picture.

    A pixel is damaged where one kind is as probable as the SDK's detection asks for by default, and
    the damaged pixels around it are so on average. The SDK averages over connected regions, which
    no operator finds; here it is over cells. Instead of steps there are slopes, ``SLOPE_WIDTH``
    wide, so that no runtime's last digit decides.
    """

    def forward(self, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """From [N, 5, H, W] to the attention and the marks, [N, 1, H, W] in [0, 1].

        The attention is the probability of damage, the marks are 1 where it is found and 0
        where it is not; where what is around is not sure both are 0.
        """
        kinds = [probabilities[:, index : index + 1] for index in PHYSICAL]
        probability = torch.cat(kinds, dim=1).amax(dim=1, keepdim=True)
        marks = _slope(probability, DETECTION.threshold)
        sums = F.avg_pool2d(torch.cat((probability * marks, marks), dim=1), CELL)
        around = F.avg_pool2d(F.pad(sums, (1, 1, 1, 1)), 3, stride=1)
        mean = around[:, :1] / (around[:, 1:] + 1e-6)
        sure = _slope(mean, DETECTION.min_mean_probability - SLOPE_WIDTH)
        sure = F.interpolate(sure, scale_factor=float(CELL), mode="nearest")
        return probability * sure, marks * sure


def _slope(x: Tensor, start: float) -> Tensor:
    """0 up to the start, 1 from ``SLOPE_WIDTH`` on."""
    return ((x - start) / SLOPE_WIDTH).clamp(0.0, 1.0)


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


class MarkedRestorer(nn.Module):
    """Restores the marked parts of a picture, whose damage may be half-transparent."""

    full_precision = ("fill",)
    adamw = ("fine_stem", "head", "fine_head")

    def __init__(self, config: FilmConfig) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = config.widths
        self.fill = PullPushFill()
        self.fine_stem = nn.Conv2d(7, config.fine, 3, padding=1)
        self.down2 = nn.Conv2d(config.fine, half, 2, stride=2)
        self.encode2 = ResidualBlock(half)
        self.down4 = nn.Conv2d(half, quarter, 2, stride=2)
        self.encode4 = ResidualBlock(quarter)
        self.along = AlongLines(quarter, config.scanned, config.rounds)
        self.down8 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.encode8 = ResidualBlock(eighth, padding=REPLICATE)
        self.down16 = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.middle = nn.Sequential(
            *(ResidualBlock(sixteenth, dilation, REPLICATE) for dilation in config.dilations),
            GlobalContext(sixteenth),
        )
        # Unfolded and not enlarged, so that what lies off a cell's middle can be told.
        self.up8 = nn.Conv2d(sixteenth, 4 * eighth, 1)
        self.decode8 = ResidualBlock(eighth, padding=REPLICATE)
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
            if isinstance(module, nn.Conv2d):
                assert module.bias is not None
                nn.init.zeros_(module.bias)
                # What is added to something else starts at zero.
                if name in ("head", "fine_head") or name.endswith(("conv2", "leave", "expand")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, a=SLOPE)

    def forward(self, image: Tensor, marked: Tensor) -> Tensor:
        """What is to be added where a picture is marked, [N, 3, H, W].

        image: [N, 3, H, W]. marked: [N, 1, H, W], 1 there, else 0. H and W are multiples of 16.
        """
        with in_full_precision(image.device):
            filled: Tensor = self.fill(image, marked)
            stands_out = image - filled
        seen = ((image - 0.5) * CONTRAST, stands_out * CONTRAST, marked - 0.5)
        fine = F.leaky_relu(self.fine_stem(torch.cat(seen, dim=1)), SLOPE)  # [N, C1, H, W]
        share = F.avg_pool2d(marked, 4)  # [N, 1, H/4, W/4]
        attention = F.max_pool2d(marked, 8)  # [N, 1, H/8, W/8]
        skip2 = self.encode2(F.leaky_relu(self.down2(fine), SLOPE))  # [N, C2, H/2, W/2]
        skip4 = self.encode4(F.leaky_relu(self.down4(skip2), SLOPE))  # [N, C4, H/4, W/4]
        skip4 = self.along(skip4, share)
        skip8 = self.encode8(F.leaky_relu(self.down8(skip4), SLOPE))  # [N, C8, H/8, W/8]
        x = self.middle(F.leaky_relu(self.down16(skip8), SLOPE))  # [N, C16, H/16, W/16]
        x = skip8 + F.pixel_shuffle(self.up8(x), 2)
        x = x + attention * (self.decode8(x) - x)
        x = self.decode4(skip4 + F.pixel_shuffle(self.up4(x), 2))
        x = self.decode2(skip2 + F.pixel_shuffle(self.up2(x), 2))
        fine = F.leaky_relu(fine + double(self.up1(x)), SLOPE)
        heads = F.pixel_shuffle(self.head(x), 2) + self.fine_head(fine)
        gain, offset = heads.chunk(2, dim=1)  # [N, 3, H, W] each
        return gain * stands_out + offset


class FilmRestorer(nn.Module):
    """Mask-free restoration of physical damage, with where it was found as a second output."""

    size_multiple = 16
    memory = Memory(bytes_per_pixel=400)

    def __init__(self, config: FilmConfig | None = None) -> None:
        super().__init__()
        config = config or FilmConfig()
        self.detector = KindDetector(config.detector)
        self.attention = Attention()
        self.restorer = MarkedRestorer(config)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Restores a picture.

        image: [N, 3, H, W], RGB in [0, 1]; H and W are multiples of :attr:`size_multiple`. Returns
        the restored picture, which is the picture itself but for what is found and a margin of
        ``MARGIN`` pixels, and may leave [0, 1] a little there; and the attention [N, 1, H, W].
        """
        attention, marks = self.attention(self.detector(image))
        return self.restore(image, marks), attention

    def find(self, image: Tensor) -> Tensor:
        """1 where damage is found, else 0, [N, 1, H, W]."""
        marks: Tensor = self.attention(self.detector(image))[1]
        return marks

    @staticmethod
    def widen(marks: Tensor) -> Tensor:
        """What is restored where there are marks, margin and all; [N, 1, H, W]."""
        return F.max_pool2d(marks, 2 * MARGIN + 1, stride=1, padding=MARGIN)

    def restore(self, image: Tensor, marks: Tensor) -> Tensor:
        """The picture restored where damage is said to be, as :meth:`forward` returns it.

        marks: [N, 1, H, W], 1 where it is, else 0.
        """
        marked = self.widen(marks)
        restored: Tensor = image + marked * self.restorer(image, marked)
        return restored
