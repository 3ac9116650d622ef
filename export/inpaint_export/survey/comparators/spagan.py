"""SpA-GAN, of the survey's tables 2 and 3: its released generator, and one that is trained here.

Pan, "Cloud Removal for Remote Sensing Imagery via Spatial Attention Generative Adversarial
Network", 2020. It is SPANet with another attention, whose quirks are kept since its weights were
trained with them: what is called a recurrence there looks one position back and no further,
the first element of a line is not rectified, and the products with the direction weights are
dropped. It is trained as pix2pix is, with an attention loss besides.

Left out of what is trained here: full resolution. At half of it, with fewer channels, it costs a
twelfth, and the same layers see twice as far.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import truth
from inpaint_export.survey.comparators.pix2pix import ConditionalAdversarial
from inpaint_export.survey.comparators.spanet import CHANNELS, DirectionWeights, Irnn, SpaNet
from inpaint_export.training.objective import Batch, change
from inpaint_sdk import Memory


class Neighbours(Irnn):
    """``relu(w * previous + b + current)`` in four directions, with the input as ``previous``."""

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, 4C, H, W]: from above, right, below and left, in this order."""
        above, right, below, left = (self.get_submodule(name)(x) for name in self._names())
        return torch.cat(
            [
                torch.cat([x[:, :, :1], F.relu(above[:, :, :-1] + x[:, :, 1:])], dim=2),
                torch.cat([F.relu(right[..., 1:] + x[..., :-1]), x[..., -1:]], dim=3),
                torch.cat([F.relu(below[:, :, 1:] + x[:, :, :-1]), x[:, :, -1:]], dim=2),
                torch.cat([x[..., :1], F.relu(left[..., :-1] + x[..., 1:])], dim=3),
            ],
            dim=1,
        )


class NeighbourAttention(nn.Module):
    """An attention map from two rounds of :class:`Neighbours`, [N, 1, H, W] in [0, 1].

    ``conv_in`` and ``attention_layer`` hold parameters of the released weights and take no part.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.irnn1 = Neighbours(channels)
        self.irnn2 = Neighbours(channels)
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv1 = nn.Conv2d(channels, channels, 1)
        self.conv2 = nn.Conv2d(4 * channels, channels, 1)
        self.conv3 = nn.Conv2d(4 * channels, channels, 1)
        self.attention_layer = DirectionWeights(channels)
        self.conv_out = nn.Conv2d(channels, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.irnn1(self.conv1(x)))
        x = F.relu(self.conv3(self.irnn2(x)))
        return torch.sigmoid(self.conv_out(x))


class SpaGan(SpaNet):
    """From RGB [N, 3, H, W] in [0, 1] to the cleared picture and the first attention map.

    Inside, the order is blue, green, red, as the weights were trained.
    """

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__(channels)
        self.SAM1 = NeighbourAttention(channels)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        output, attention = super().forward(image.flip(1))
        return output.flip(1), attention

    @classmethod
    def load(cls, weights: Path) -> SpaGan:
        """Reads released weights; raises ``FileNotFoundError``, or ``RuntimeError`` for others."""
        state = torch.load(weights, weights_only=True, map_location="cpu")
        model = cls()
        model.load_state_dict({name.removeprefix("gen.gen."): v for name, v in state.items()})
        return model.eval()


class HalfSpaGan(SpaGan):
    """The same network on a picture that is folded to half of its resolution."""

    size_multiple = 2
    memory = Memory(bytes_per_pixel=340)
    adamw = ("conv_in", "conv_out")

    def __init__(self, channels: int = 18) -> None:
        super().__init__(channels)
        self.conv_in = nn.Sequential(nn.Conv2d(3, channels, 4, 2, 1, bias=False), nn.ReLU())
        self.conv_out = nn.Sequential(
            nn.Conv2d(channels, 12, 3, padding=1, bias=False), nn.PixelShuffle(2)
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        output, attention = super().forward(image)
        return output, F.interpolate(attention, scale_factor=2.0, mode="bilinear")


class AttentiveAdversarial(ConditionalAdversarial):
    """As pix2pix is trained, and the attention learns where a pair differs."""

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        output, attention = self.model(batch["image"])
        output = output.float()
        missed = (attention.float() - change(batch)).square().mean()
        self.note(attention=missed)
        return output, self.l1 * (output - truth(batch)).abs().mean() + missed
