"""GMCNN, of the survey's table 3, over a mask from the attention.

Wang, Tao, Qi, Shen, Jia: "Image Inpainting via Generative Multi-column Convolutional Neural
Networks", NeurIPS 2018. Three columns with kernels of 7, 5 and 3, which come up from a quarter of
the resolution at different depths and are decoded together; a reconstruction loss that counts most
at the rim of the hole, from where confidence spreads inward; a loss of implicit diversified Markov
random fields, by which each patch of the true picture must be the nearest one of some patch that
was made; Wasserstein critics of the whole picture and of the hole.

Left out: most of the training's first part, without an adversarial loss, which is a tenth of it
here. The fields are on EfficientNet-Lite0's features at 1/8 and 1/16. Clouds' holes have no one
place, so the critic of the hole sees the picture with all else blackened.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import GlobalCritic, truth
from inpaint_export.survey.comparators.attention_masked import AttentionMasked, MaskedAdversarial
from inpaint_export.survey.comparators.features import FeatureLoss
from inpaint_export.survey.comparators.layers import conv, masked_input, paste
from inpaint_export.training.objective import Batch

STRETCH = 0.5
"""How sharply the fields tell the nearest patch from others."""


def column(kernel: int, width: int, doublings: int) -> nn.Sequential:
    """Down to 1/4 and up again, ``doublings`` times with a convolution; from 4 channels."""
    layers: list[nn.Module] = [
        conv(4, width, kernel, stride=2, norm="none", slope=0.2),
        conv(width, 2 * width, kernel, stride=2, norm="none", slope=0.2),
        conv(2 * width, 2 * width, kernel, dilation=2, norm="none", slope=0.2),
        conv(2 * width, 2 * width, kernel, dilation=4, norm="none", slope=0.2),
    ]
    channels = 2 * width
    for _ in range(doublings):
        layers += [
            nn.Upsample(scale_factor=2.0, mode="bilinear"),
            conv(channels, channels // 2, kernel, norm="none", slope=0.2),
        ]
        channels //= 2
    if doublings < 2:
        layers.append(nn.Upsample(scale_factor=2.0 ** (2 - doublings), mode="bilinear"))
    return nn.Sequential(*layers)


class MultiColumn(nn.Module):
    """Inpainting by three columns and a decoder that they share."""

    adamw = ("last",)

    def __init__(self, width: int = 11) -> None:
        super().__init__()
        self.columns = nn.ModuleList(
            column(kernel, width, doublings) for kernel, doublings in ((7, 0), (5, 1), (3, 2))
        )
        self.join = conv(2 * width + width + width // 2, 8, norm="none", slope=0.2)
        self.last = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`; sides of multiples of 4."""
        x = masked_input(image, mask)
        x = self.join(torch.cat([columns(x) for columns in self.columns], dim=1))
        return paste(image, 0.5 + self.last(x), mask)


class Gmcnn(AttentionMasked):
    """The three columns, over a mask from the attention."""

    def __init__(self) -> None:
        super().__init__(MultiColumn())


class WholeAndHoleCritic(nn.Module):
    """One score, the sum of a whole picture's and its hole's."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = GlobalCritic(3, norm="none")
        self.hole = GlobalCritic(3, norm="none")

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """Scores [N, 1] of [N, 3, H, W] under its mask [N, 1, H, W]."""
        scores: Tensor = self.whole(picture) + self.hole(picture * mask)
        return scores


def markov_field_loss(made: Tensor, true: Tensor) -> Tensor:
    """The ID-MRF loss of features [N, C, h, w].

    How near each made position is to each true one, over how near its nearest true one is; of each
    true position, what comes nearest to it counts.
    """
    centre = true.mean(dim=(2, 3), keepdim=True)
    a, b = (F.normalize((x - centre).flatten(2), dim=1) for x in (made, true))
    distance = 0.5 * (1.0 - b.mT @ a)  # [N, true, made]
    relative = distance / (distance.amin(dim=1, keepdim=True) + 1e-5)
    likeness = torch.softmax((1.0 - relative) / STRETCH, dim=1)
    return -likeness.amax(dim=2).mean(dim=1).log().mean()


def confidence(mask: Tensor, *, size: int = 65, deviation: float = 40.0, rounds: int = 7) -> Tensor:
    """Weights [N, 1, H, W] in the hole, which fall from its rim inward; 0 outside of it."""
    place = torch.arange(size, dtype=mask.dtype, device=mask.device) - size // 2
    line = torch.exp(-0.5 * (place / deviation).square())
    line = (line / line.sum()).reshape(1, 1, 1, size)
    weights = torch.zeros_like(mask)
    for _ in range(rounds):
        around = F.pad(1.0 - mask + weights, (size // 2,) * 4, mode="replicate")
        weights = F.conv2d(F.conv2d(around, line), line.mT) * mask
    return weights


class MultiColumnAdversarial(MaskedAdversarial):
    """Confident reconstruction, Markov fields and Wasserstein critics."""

    def __init__(
        self,
        model: nn.Module,
        *,
        weight: float = 0.001,
        markov: float = 0.05,
        start: float = 0.1,
    ) -> None:
        super().__init__(
            model,
            WholeAndHoleCritic(),
            loss="wasserstein",
            weight=weight,
            penalty=10.0,
            start=start,
        )
        self.seen = FeatureLoss()
        self.markov = markov

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        clear = truth(batch)
        output = self.inpainted(batch)
        weights = confidence(batch["mask"])
        error = ((output - clear).abs() * weights).sum() / (3.0 * weights.sum()).clamp(min=1.0)
        with torch.no_grad():
            wanted = self.seen.features(clear)[1:]
        pairs = zip(self.seen.features(output)[1:], wanted, strict=True)
        fields = torch.stack([markov_field_loss(made, true) for made, true in pairs]).sum()
        self.note(error=error, fields=fields)
        return output, error + self.markov * fields

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5, batch["mask"])
        return scores
