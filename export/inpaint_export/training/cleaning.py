"""What models that clean pictures learn: the mean PSNR, and how degraded a picture is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inpaint_export.training.objective import Batch, TwoStageObjective, weighted

GOOD_ENOUGH = 1.0 / 255.0
"""Root of the mean squared error, about which a picture counts as good enough."""


@dataclass(frozen=True)
class CleaningWeights:
    """Weights of the losses of :class:`Cleaning`.

    log_mse: the logarithm of each picture's mean squared error, which is the mean PSNR: so faint
    noise counts as much as strong noise. l1: the mean absolute error. degradation: see
    :func:`degradation_loss`.
    """

    log_mse: float = 0.0
    l1: float = 0.0
    degradation: float = 0.5


class Cleaning(TwoStageObjective[CleaningWeights]):
    """Supervised cleaning. The network returns the picture and its degradation, [N, 3].

    Batches hold ``image``, ``clear`` and ``strength``. The absolute error comes first, and the mean
    PSNR when pictures that are to be left alone are told from others: until then its logarithm
    would forbid any change, since those lose most by it.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        early: CleaningWeights = CleaningWeights(l1=10.0),
        late: CleaningWeights = CleaningWeights(log_mse=0.3, l1=3.0),
        switch: float = 0.4,
    ) -> None:
        super().__init__(model, early, late, switch)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        output, degradation = self.model(batch["image"])
        error = output.float() - batch["clear"]
        mse = error.square().mean(dim=(1, 2, 3))  # [N]
        terms = {
            "log_mse": torch.log(mse + GOOD_ENOUGH**2).mean(),
            "l1": error.abs().mean(),
            "degradation": degradation_loss(degradation.float(), batch["strength"]),
        }
        self.note(**terms)
        yield "model", weighted(terms, self.weights)


def degradation_loss(told: Tensor, strength: Tensor) -> Tensor:
    """Mean squared difference of the square roots of strengths, [N, 3] in [0, 1].

    Of the roots, since the faint ones decide whether a picture is touched at all.
    """
    return (told.clamp(min=1e-6).sqrt() - strength.sqrt()).square().mean()
