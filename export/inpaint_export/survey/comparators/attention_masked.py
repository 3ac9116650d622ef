"""Inpainting where no mask is given: what the attention of ``cloud-thick`` finds is filled.

The survey compares two inpainting networks on clouds and does not say where their masks come from.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from inpaint_export.models.sarnn import Sarnn
from inpaint_export.survey.comparators.adversarial import AdversarialObjective, GanLoss
from inpaint_export.training.objective import Batch
from inpaint_export.training.start import FromModel
from inpaint_sdk import Memory

FINDER = FromModel("cloud-thick", part="finder")
"""The finder's weights; the rest of the network begins as it is built."""

CLEAR, COVERED = 0.25, 0.29
"""Attention below which nothing is hole, and above which all is. On RICE2's training pairs it lies
about 0.2 and rises under clouds: half of what changes by more than a tenth of the range has more
than 0.27, and of what has more, 55 % changes so much (68 % on those that are held out)."""


class AttentionMasked(nn.Module):
    """A network that finds the damage, which is not trained, and one that fills it."""

    size_multiple = 32
    memory = Memory(bytes_per_pixel=465)

    def __init__(self, inpainter: nn.Module) -> None:
        super().__init__()
        self.finder = Sarnn()
        self.inpainter = inpainter

    def find(self, image: Tensor) -> Tensor:
        """The hole [N, 1, H, W], from 0 to 1; a soft rim does not hang on rounding."""
        _, attention = self.finder(image)
        hole: Tensor = ((attention - CLEAR) / (COVERED - CLEAR)).clamp(0.0, 1.0)
        return hole

    def forward(self, image: Tensor) -> Tensor:
        """From RGB [N, 3, H, W] in [0, 1] to the restored picture."""
        restored: Tensor = self.inpainter(image, self.find(image))
        return restored


class MaskedAdversarial(AdversarialObjective):
    """An adversarial objective whose batches of pairs get the masks that the network finds."""

    model: AttentionMasked

    def __init__(
        self,
        model: nn.Module,
        critic: nn.Module,
        *,
        loss: GanLoss,
        weight: float,
        penalty: float = 0.0,
        start: float = 0.0,
    ) -> None:
        super().__init__(model, critic, loss=loss, weight=weight, penalty=penalty, start=start)
        assert isinstance(model, AttentionMasked)
        self.freeze(model.finder)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        with torch.no_grad():
            mask = self.model.find(batch["image"]).float()
        yield from super().losses({**batch, "mask": mask})

    def inpainted(self, batch: Batch) -> Tensor:
        """What the inpainting network makes of the pictures and their masks."""
        output: Tensor = self.model.inpainter(batch["image"], batch["mask"]).float()
        return output
