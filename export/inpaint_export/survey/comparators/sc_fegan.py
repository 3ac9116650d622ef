"""SC-FEGAN, of the survey's table 3, over a mask from the attention.

Jo, Park: "SC-FEGAN: Face Editing Generative Adversarial Network with User's Sketch and Color", ICCV
2019. A U-Net of gated convolutions, each of which decides for every feature and position how much
of it counts, so that what is under the mask can be left aside; a spectrally normalised critic of
patches; absolute, perceptual, style and total-variation losses.

Left out: the inputs for sketch, colour and noise, which would be empty here; the critic's gradient
penalty, which spectral normalisation makes up for; local response normalisation. Perceptual and
style losses are on EfficientNet-Lite0's features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.losses import hole_l1
from inpaint_export.models.blocks import double
from inpaint_export.survey.comparators.adversarial import PatchCritic, truth
from inpaint_export.survey.comparators.attention_masked import AttentionMasked, MaskedAdversarial
from inpaint_export.survey.comparators.features import FeatureLoss, total_variation
from inpaint_export.survey.comparators.layers import masked_input, paste
from inpaint_export.training.objective import Batch


class GatedConv(nn.Module):
    """A convolution times its gate (Yu et al., "Free-Form Image Inpainting", ICCV 2019)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.both = nn.Conv2d(inputs, 2 * outputs, kernel, stride, padding, dilation)

    def forward(self, x: Tensor) -> Tensor:
        features, gate = self.both(x).chunk(2, dim=1)
        return F.leaky_relu(features, 0.2) * torch.sigmoid(gate)


class GatedUNet(nn.Module):
    """Inpainting by gated convolutions at all levels."""

    adamw = ("first", "last")

    def __init__(self, widths: tuple[int, ...] = (16, 28, 56, 88)) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = widths
        self.first = GatedConv(4, half, 7, stride=2)
        self.encode = nn.ModuleList(
            [
                GatedConv(half, quarter, stride=2),
                GatedConv(quarter, eighth, stride=2),
                GatedConv(eighth, sixteenth, stride=2),
            ]
        )
        self.middle = nn.Sequential(
            *(GatedConv(sixteenth, sixteenth, dilation=rate) for rate in (2, 4, 8, 16))
        )
        self.decode = nn.ModuleList(
            [
                GatedConv(sixteenth + eighth, eighth),
                GatedConv(eighth + quarter, quarter),
                GatedConv(quarter + half, half),
                GatedConv(half + 4, 6),
            ]
        )
        self.last = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`; sides of multiples of 16."""
        skips = [masked_input(image, mask)]
        skips.append(self.first(skips[-1]))
        for encode in self.encode:
            skips.append(encode(skips[-1]))
        x = self.middle(skips.pop())
        for decode in self.decode:
            x = decode(torch.cat([double(x), skips.pop()], dim=1))
        return paste(image, 0.5 + self.last(x), mask)


class ScFegan(AttentionMasked):
    """The gated U-Net, over a mask from the attention."""

    def __init__(self) -> None:
        super().__init__(GatedUNet())


class GatedAdversarial(MaskedAdversarial):
    """All of its losses; the critic sees the mask beside the picture."""

    def __init__(
        self,
        model: nn.Module,
        *,
        weight: float = 0.001,
        hole: float = 6.0,
        perceptual: float = 0.05,
        style: float = 120.0,
        variation: float = 0.1,
    ) -> None:
        super().__init__(model, PatchCritic(4, "spectral"), loss="hinge", weight=weight)
        self.seen = FeatureLoss()
        self.hole, self.perceptual, self.style = hole, perceptual, style
        self.variation = variation

    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        mask, clear = batch["mask"], truth(batch)
        output = self.inpainted(batch)
        perceptual, style = self.seen(output, clear)
        return output, (
            self.hole * hole_l1(output, clear, mask)
            + self.perceptual * perceptual
            + self.style * style
            + self.variation * total_variation(output, mask)
        )

    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        scores: Tensor = self.critic(picture - 0.5, batch["mask"])
        return scores
