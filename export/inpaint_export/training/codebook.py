"""The three trainings of the codebook transformer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.losses import hole_gradient_energy, hole_rmse, hole_ssim
from inpaint_export.models.codebook import (
    CodebookAutoencoder,
    CodebookInpainter,
    SharpenedInpainter,
    cells_of,
    split_cells,
)
from inpaint_export.training.adversarial import RealismObjective, RealismWeights
from inpaint_export.training.objective import Batch


@dataclass(frozen=True)
class CodebookWeights(RealismWeights):
    """Weights of the losses of the codebook's trainings.

    ssim: of :func:`inpaint_export.losses.hole_ssim`.
    """

    ssim: float = 0.0


EARLY = CodebookWeights(rmse=1.0, l1=0.5, gradient=0.25, ssim=0.03)
"""Hard pictures first, ..."""

LATE = CodebookWeights(log_mse=0.05, l1=0.1, gradient=0.1, ssim=0.03)
"""... then the mean PSNR."""

RECONSTRUCTION = replace(EARLY, ssim=0.0)
"""Of pictures whose codes are known."""

UNTOLD, GUESSED = 0.3, 0.4
"""Shares of pictures whose round is told nothing, as the first one, and what the first one is sure
of; the rest is told true codes."""


class CodebookObjective(RealismObjective[CodebookWeights]):
    """Similarity to the hidden picture, and where it has a weight, what makes it look real."""

    def __init__(
        self,
        model: nn.Module,
        *,
        early: CodebookWeights = EARLY,
        late: CodebookWeights = LATE,
        switch: float = 0.6,
        start: float = 0.0,
        ramp: float = 0.0,
        side: int = 96,
    ) -> None:
        super().__init__(model, early, late, switch, start=start, ramp=ramp, side=side)

    def similarity_losses(
        self, output: Tensor, image: Tensor, mask: Tensor, added: Tensor
    ) -> Iterator[tuple[str, Tensor]]:
        """As :meth:`RealismObjective.repair_losses`, with the SSIM where it has a weight."""
        further = {"ssim": hole_ssim(output, image, mask)} if self.weights.ssim else {}
        yield from self.repair_losses(output, image, mask, further, added)


class CodebookReconstruction(CodebookObjective):
    """First training: a codebook, and a decoder that uses it, from the hidden pictures' own codes.

    The CNN encoder stays as it is. commitment: weight of the distance between vectors and their
    entries. hidden: share of pictures whose codes the decoder is not shown, so that it keeps the
    skill of going without.
    """

    model: CodebookAutoencoder
    _chosen: Tensor  # [K], times that each entry was chosen since the last report

    def __init__(
        self,
        model: nn.Module,
        *,
        weights: CodebookWeights = RECONSTRUCTION,
        commitment: float = 0.05,
        hidden: float = 0.25,
        start: float = 0.0,
        ramp: float = 0.0,
        side: int = 96,
    ) -> None:
        super().__init__(model, early=weights, late=weights, start=start, ramp=ramp, side=side)
        assert isinstance(model, CodebookAutoencoder)
        self.commitment, self.hidden = commitment, hidden
        self.freeze(*model.cnn.encoder_layers())
        self.register_buffer("_chosen", torch.zeros(model.quantiser.codes))

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        model = self.model
        filled = model.cnn.filled(image, mask)
        vectors = model.code_encoder(image, filled, mask).float()
        hole = cells_of(mask)
        codes = model.quantiser.nearest(vectors)
        model.quantiser.update(vectors[hole], codes[hole])
        self._chosen += torch.bincount(codes[hole], minlength=len(self._chosen))
        entries = model.quantiser.entries(codes)
        distance = (vectors - entries).square().mean(dim=3)[hole].mean()
        entries = vectors + (entries - vectors).detach()  # gradients pass straight through
        shown = torch.rand(len(image), 1, 1, 1, device=image.device) >= self.hidden
        output = model.decode(filled, mask, model.cnn.encode(filled, mask), entries * shown).float()
        self.note(distance=distance)
        yield from self.similarity_losses(output, image, mask, self.commitment * distance)

    def report(self) -> dict[str, float]:
        """Beside the losses, what the codebook was used for since the last report.

        used: share of the entries that at least a tenth of an even share of cells chose.
        perplexity: of the entries' frequencies, over their number; 1 where all are alike.
        """
        share = self._chosen / self._chosen.sum().clamp(min=1.0)
        codes = len(share)
        used = float((share >= 0.1 / codes).float().mean())
        entropy = -(share * (share + 1e-12).log()).sum()
        self._chosen.zero_()
        return {**super().report(), "used": used, "perplexity": float(entropy.exp()) / codes}


class CodePrediction(CodebookObjective):
    """Second training: the transformer predicts the codes of what is hidden.

    It learns the codes themselves by cross-entropy, and through the looked-up entries what the
    decoder makes of them; the decoder learns with it. The CNN encoder and the codebook stay as they
    are. Of a transformer of several rounds one is trained at a time, which is told nothing, what
    the first one is sure of, or some true codes. code: weight of the cross-entropy; 0 where the
    lookup is continuous. smoothing: of its labels.
    """

    model: CodebookInpainter

    def __init__(
        self, model: nn.Module, *, code: float = 0.02, smoothing: float = 0.0, **settings: Any
    ) -> None:
        super().__init__(model, **settings)
        assert isinstance(model, CodebookInpainter)
        self.code = 0.0 if model.lookup == "continuous" else code
        self.smoothing = smoothing
        self.freeze(*model.autoencoder.cnn.encoder_layers(), model.autoencoder.code_encoder)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        added = image.new_zeros(())
        if not self.code:
            output = self.model(image, mask)
        else:
            hole = split_cells(cells_of(mask))
            with torch.no_grad():
                codes = self.model.true_codes(image, mask)
            known, told = torch.zeros_like(codes, dtype=image.dtype), None
            if self.model.rounds > 1:
                known, told = self._told(image, mask, codes)
            output, predicted = self.model.repair(image, mask, told)
            logits = predicted.float()
            cross_entropy = F.cross_entropy(
                logits[hole], codes[hole], label_smoothing=self.smoothing
            )
            found = (logits.detach().argmax(dim=-1) == codes)[hole & (known == 0.0)]
            self.note(cross_entropy=cross_entropy, right=found.float().mean())
            added = self.code * cross_entropy
        yield from self.similarity_losses(output.float(), image, mask, added)

    @torch.no_grad()
    def _told(self, image: Tensor, mask: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Which cells are known to the round that is trained, 1 or 0, and what it is told."""
        guess, sure = self.model.first_guess(image, mask)
        pictures = (len(image), 1, 1, 1)
        drawn = torch.rand(codes.shape, device=codes.device)
        shown = drawn < torch.rand(pictures, device=codes.device)
        true = (shown & split_cells(cells_of(mask))).to(sure.dtype)
        kind = torch.rand(pictures, device=codes.device)
        known = torch.where(kind < UNTOLD + GUESSED, sure, true) * (kind >= UNTOLD)
        given = torch.where(kind < UNTOLD + GUESSED, guess, codes)
        return known, self.model.tell(given, known)


class Sharpening(CodebookObjective):
    """Third training: the sharpening module, on decoded pictures; all before it stays as it is.

    energy: weight of :func:`inpaint_export.losses.hole_gradient_energy`, which keeps what is
    sharpened from turning out smooth.
    """

    model: SharpenedInpainter

    def __init__(self, model: nn.Module, *, energy: float = 0.0015, **settings: Any) -> None:
        super().__init__(model, **settings)
        assert isinstance(model, SharpenedInpainter)
        self.energy = energy
        self.freeze(model.inpainter)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        with torch.no_grad():
            decoded = self.model.inpainter(image, mask).float()
        output = self.model.sharpener(decoded, mask).float()
        energy = hole_gradient_energy(output, image, mask)
        self.note(energy=energy, decoded_rmse=hole_rmse(decoded, image, mask))
        yield from self.similarity_losses(output, image, mask, self.energy * energy)
