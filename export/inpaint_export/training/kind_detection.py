"""What a detector of several kinds of damage minimises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.training.objective import Batch, TwoStageObjective


@dataclass(frozen=True)
class KindWeights:
    """Weights of the losses of :class:`KindDetection`.

    thin: how much more thin damage weighs in the cross-entropy; see
    :func:`thinness`.
    """

    entropy: float
    dice: float
    thin: float


def thinness(mask: Tensor, power: float) -> Tensor:
    """Weights of pixels, [N, 1, H, W]: 1 but in and beside thin damage.

    There it is the share of damage in the 15x15 pixels around, to the power of ``-power``: with
    0.5, 1 in a stain, about 3 in and beside a scratch, 15 at a single pixel.
    """
    rows = F.avg_pool2d(mask, (15, 1), stride=1, padding=(7, 0), count_include_pad=False)
    share = F.avg_pool2d(rows, (1, 15), stride=1, padding=(0, 7), count_include_pad=False)
    beside = F.max_pool2d(mask, 5, stride=1, padding=2)
    return 1.0 + beside * (share.clamp(min=1.0 / 225.0).pow(-power) - 1.0)


class KindDetection(TwoStageObjective[KindWeights]):
    """Supervised segmentation of damage by kind: cross-entropy and the soft Dice coefficient.

    The network has ``logits`` of the shape of the batch's ``kinds``, [N, K, H, W]. Pixels of the
    batch's ``ignore``, [N, 1, H, W], have no part in either loss.

    The cross-entropy judges every pixel, and is what undamaged pictures teach: it rises the more
    certain a false alarm is. The Dice coefficient is the F1 figure itself, made smooth. It is taken
    over the pixels of the whole batch for each kind that is in it, so that rare kinds weigh as much
    as frequent ones and false alarms on undamaged pictures count; and for all ``joined`` kinds as
    one, so that a piece between two kinds is found as damage all the same.

    First thin damage is to be found at all, then few pixels are to be marked wrongly.

    joined: channels of the kinds that are looked for together by default.
    """

    SMOOTH = 16.0
    """Pixels added to both areas: damage of a few pixels is not all or nothing."""

    def __init__(
        self,
        model: nn.Module,
        joined: Sequence[int],
        *,
        early: KindWeights = KindWeights(entropy=2.0, dice=1.0, thin=0.5),
        late: KindWeights = KindWeights(entropy=8.0, dice=1.0, thin=0.0),
        switch: float = 0.4,
    ) -> None:
        super().__init__(model, early, late, switch)
        self.joined = list(joined)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        weights, kinds = self.weights, batch["kinds"]
        counted = (batch["ignore"] == 0.0).float()  # [N, 1, H, W]
        logits: Tensor = self.model.logits(batch["image"]).float()  # type: ignore[operator]
        entropy = F.binary_cross_entropy_with_logits(logits, kinds, reduction="none")
        if weights.thin:
            entropy = entropy * thinness(kinds, weights.thin)
        entropy = (entropy.sum(dim=1, keepdim=True) * counted).sum() / counted.sum().clamp(min=1.0)
        dice, damaged = self._dice(logits, kinds, counted)
        missed = ((1.0 - dice) * damaged).sum() / damaged.sum().clamp(min=1.0)
        self.note(entropy=entropy, dice=1.0 - missed)
        yield "model", weights.entropy * entropy + weights.dice * missed

    def _dice(self, logits: Tensor, kinds: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
        """Soft Dice coefficients by kind and of those that are joined, and which of them count.

        Both are [K + 1]; the second is 1 where the batch has such damage, else 0.
        """
        # Of independent kinds, the probability that none of them is there.
        absent = F.logsigmoid(-logits[:, self.joined]).sum(dim=1, keepdim=True)
        found = torch.cat((torch.sigmoid(logits), -torch.expm1(absent)), dim=1) * counted
        joined = kinds[:, self.joined].amax(dim=1, keepdim=True)
        truth = torch.cat((kinds, joined), dim=1) * counted
        axes = (0, 2, 3)
        both, area = (found * truth).sum(axes), truth.sum(axes)
        dice = (2.0 * both + self.SMOOTH) / (found.sum(axes) + area + self.SMOOTH)
        return dice, (area > 0.0).float()
