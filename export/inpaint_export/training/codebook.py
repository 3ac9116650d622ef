"""The three trainings of the codebook transformer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.losses import hole_gradient_energy, hole_rmse, hole_ssim
from inpaint_export.models.codebook import (
    CELL,
    CodebookAutoencoder,
    CodebookInpainter,
    SharpenedInpainter,
    split_cells,
)
from inpaint_export.training.objective import (
    Batch,
    HoleWeights,
    Objective,
    TwoStageObjective,
    hole_terms,
    weighted,
)

EARLY = HoleWeights(rmse=1.0, l1=0.5, gradient=0.25)
"""Hard pictures first, ..."""

LATE = HoleWeights(log_mse=0.05, l1=0.1, gradient=0.1)
"""... then the mean PSNR."""


class CodebookReconstruction(Objective):
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
        weights: HoleWeights = EARLY,
        commitment: float = 0.05,
        hidden: float = 0.25,
    ) -> None:
        super().__init__(model)
        assert isinstance(model, CodebookAutoencoder)
        self.weights, self.commitment, self.hidden = weights, commitment, hidden
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
        terms = hole_terms(output, image, mask)
        self.note(**terms, distance=distance)
        yield "model", weighted(terms, self.weights) + self.commitment * distance

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


class SimilarityObjective(TwoStageObjective[HoleWeights]):
    """Similarity to the hidden picture: the losses in the hole and its SSIM.

    ssim: weight of :func:`inpaint_export.losses.hole_ssim`.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        early: HoleWeights = EARLY,
        late: HoleWeights = LATE,
        switch: float = 0.6,
        ssim: float = 0.03,
    ) -> None:
        super().__init__(model, early, late, switch)
        self.ssim = ssim

    def similarity_loss(self, output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
        """The weighted sum of the losses, which are noted."""
        terms = hole_terms(output, image, mask)
        ssim = hole_ssim(output, image, mask)
        self.note(**terms, ssim=ssim)
        return weighted(terms, self.weights) + self.ssim * ssim


class CodePrediction(SimilarityObjective):
    """Second training: the transformer predicts the codes of what is hidden.

    It learns the codes themselves by cross-entropy, and through the looked-up entries what the
    decoder makes of them; the decoder learns with it. The CNN encoder and the codebook stay as they
    are. code: weight of the cross-entropy; 0 where the lookup is continuous.
    """

    model: CodebookInpainter

    def __init__(self, model: nn.Module, *, code: float = 0.02) -> None:
        super().__init__(model)
        assert isinstance(model, CodebookInpainter)
        self.code = 0.0 if model.lookup == "continuous" else code
        self.freeze(*model.autoencoder.cnn.encoder_layers(), model.autoencoder.code_encoder)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        output, predicted = self.model.repair(image, mask)
        loss = self.similarity_loss(output.float(), image, mask)
        if self.code:
            hole = split_cells(cells_of(mask))
            logits, codes = predicted[hole].float(), split_cells(self._codes(image, mask))[hole]
            cross_entropy = F.cross_entropy(logits, codes)
            right = (logits.detach().argmax(dim=1) == codes).float().mean()
            self.note(cross_entropy=cross_entropy, right=right)
            loss = loss + self.code * cross_entropy
        yield "model", loss

    @torch.no_grad()
    def _codes(self, image: Tensor, mask: Tensor) -> Tensor:
        """Of the hidden picture, [N, H/8, W/8]."""
        autoencoder = self.model.autoencoder
        filled = autoencoder.cnn.filled(image, mask)
        return autoencoder.quantiser.nearest(autoencoder.code_encoder(image, filled, mask))


class Sharpening(SimilarityObjective):
    """Third training: the sharpening module, on decoded pictures; all before it stays as it is.

    energy: weight of :func:`inpaint_export.losses.hole_gradient_energy`, which keeps what is
    sharpened from turning out smooth.
    """

    model: SharpenedInpainter

    def __init__(self, model: nn.Module, *, energy: float = 0.0015) -> None:
        super().__init__(model)
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
        yield "model", self.similarity_loss(output, image, mask) + self.energy * energy


def cells_of(mask: Tensor) -> Tensor:
    """Which cells have a part in the hole: bool [N, H/8, W/8] for masks [N, 1, H, W]."""
    return F.max_pool2d(mask, CELL)[:, 0] > 0.0
