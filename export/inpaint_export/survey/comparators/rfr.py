"""RFR, recurrent feature reasoning, of the survey's table 1.

Li, Wang, Zhang, Du, Tao: "Recurrent Feature Reasoning for Image Inpainting", CVPR 2020. Partial
convolutions find the rim of the hole that can be inferred, one module infers its features, and the
two are repeated until the hole is closed; at the end, what the repetitions made of each position is
averaged over those that knew it. The module's attention is consistent: where a position was known
to the repetition before, its attention scores are mixed with the ones that it had then.

Left out: batch normalisation, whose statistics differ from one repetition to the next, and with it
the second half of the training, in which it is frozen; the losses of known pixels, which are pasted
and never wrong. The features that are repeated on lie at
1/8 of the resolution, not at 1/2, and there are four repetitions, not six: each closes four of
those positions, which is 32 pixels. Perceptual and style losses are on EfficientNet-Lite0's
features.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.losses import hole_l1
from inpaint_export.survey.comparators.features import FeatureLoss
from inpaint_export.survey.comparators.layers import conv, paste, up
from inpaint_export.training.objective import Batch, Objective
from inpaint_sdk import Memory

Scores = tuple[Tensor, Tensor]
"""Attention scores [N, keys, h, w], and which positions were known then, [N, 1, h, w]."""


class PartialConv(nn.Module):
    """A convolution of known positions only (Liu et al., ECCV 2018).

    What it gives is known wherever its kernel touched something known.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """x: [N, C, H, W]. known: [N, 1, H, W], 1 where x is. Returns the next of both."""
        share = F.avg_pool2d(known, self.kernel, self.stride, self.kernel // 2)
        x = self.conv(x * known) / share.clamp(min=self.kernel**-2) + self.bias
        known = (share > 0.0).to(x.dtype)
        return x * known, known


class ConsistentAttention(nn.Module):
    """Knowledge-consistent attention: each position is made of those that look like it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ratio = nn.Parameter(torch.ones(1))
        self.combine = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor, known: Tensor, before: Scores | None) -> tuple[Tensor, Scores]:
        """x: [N, C, h, w]. known: [N, 1, h, w]. before: scores of the repetition before this."""
        n, _, h, w = x.shape
        keys = F.normalize(x.flatten(2), dim=1)  # [N, C, h*w]
        scores = (keys.mT @ x.flatten(2)).reshape(n, h * w, h, w)
        # Summed over neighbours: positions side by side attend to positions side by side.
        scores = torch.softmax(9.0 * F.avg_pool2d(scores, 3, stride=1, padding=1), dim=1)
        if before is not None:
            kept, were_known = before
            ratio = self.ratio.abs() + 1e-7
            scores = (kept * were_known + scores * ratio) / (were_known + ratio)
        gathered = (keys @ scores.flatten(2)).reshape(x.shape)
        return self.combine(torch.cat([gathered, x], dim=1)), (scores, known)


class FeatureReasoning(nn.Module):
    """Infers features at 1/8 from what is known at 1/16, with attention."""

    def __init__(self, channels: int, deep: int) -> None:
        super().__init__()
        self.down = conv(channels, deep, stride=2, norm="none")
        self.middle = nn.Sequential(
            conv(deep, deep, dilation=2, norm="none"), conv(deep, deep, dilation=2, norm="none")
        )
        self.attention = ConsistentAttention(deep)
        self.up = up(2 * deep, channels, norm="none", slope=0.2)

    def forward(self, x: Tensor, known: Tensor, before: Scores | None) -> tuple[Tensor, Scores]:
        skip = self.down(x)
        attended, scores = self.attention(self.middle(skip), F.max_pool2d(known, 2), before)
        return self.up(torch.cat([attended, skip], dim=1)), scores


class RfrNetwork(nn.Module):
    """Inpainting by reasoning on features again and again."""

    size_multiple = 16
    memory = Memory(bytes_per_pixel=450, bytes_per_pixel_squared=3.7e-4)
    adamw = ("enter2", "last")

    def __init__(self, channels: int = 52, deep: int = 80, repetitions: int = 4) -> None:
        super().__init__()
        self.repetitions = repetitions
        half, quarter = 20, 40
        self.enter2 = PartialConv(3, half, 7, stride=2)
        self.enter4 = PartialConv(half, quarter, 5, stride=2)
        self.enter8 = PartialConv(quarter, channels, 3, stride=2)
        self.identify1 = PartialConv(channels, channels, 5)
        self.identify2 = PartialConv(channels, channels, 5)
        self.reason = FeatureReasoning(channels, deep)
        self.leave = nn.Sequential(
            up(channels, quarter, norm="none", slope=0.2),
            up(quarter, half, norm="none", slope=0.2),
            up(half, 12, norm="none", slope=0.2),
        )
        self.tail = conv(12 + 3, 12, norm="none", slope=0.2)
        self.last = nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`inpaint_export.models.cnn.CnnInpainter.forward`."""
        known = 1.0 - mask
        shown = (image - 0.5) * known
        x = self.leave(self.merged(shown, known))
        x = self.tail(torch.cat([x, shown], dim=1))
        return paste(image, 0.5 + self.last(x), mask)

    def merged(self, shown: Tensor, known: Tensor) -> Tensor:
        """Adaptive merging: features at 1/8, averaged over the repetitions that know them."""
        x, known = shown, known
        for enter in (self.enter2, self.enter4, self.enter8):
            x, known = enter(x, known)
            x = F.relu(x)
        total, times = x * known, known
        for features, area in self.repeated(x, known):
            total, times = total + features, times + area
        return total / times.clamp(min=1.0)

    def repeated(self, x: Tensor, known: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Features after each repetition, 0 where they are not known, and where they are."""
        scores: Scores | None = None
        for index in range(self.repetitions):
            x, known = self.identify1(x, known)
            x, known = self.identify2(F.leaky_relu(x, 0.2), known)
            if index == self.repetitions - 1:
                known = torch.ones_like(known)  # a hole too wide for the repetitions is closed too
            x, scores = self.reason(F.leaky_relu(x, 0.2), known, scores)
            x = x * known
            yield x, known


class FeatureReasoningLosses(Objective):
    """The absolute error in the hole, with perceptual and style losses."""

    def __init__(
        self, model: nn.Module, *, hole: float = 6.0, perceptual: float = 0.05, style: float = 120.0
    ) -> None:
        super().__init__(model)
        self.seen = FeatureLoss()
        self.hole, self.perceptual, self.style = hole, perceptual, style

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        output = self.model(image, mask).float()
        perceptual, style = self.seen(output, image)
        l1 = hole_l1(output, image, mask)
        loss = self.hole * l1 + self.perceptual * perceptual + self.style * style
        self.note(supervised=loss, l1=l1, perceptual=perceptual, style=style)
        yield "model", loss
