"""Training that asks whether a filled hole looks real, and its use for staged inpainters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from inpaint_export.losses import hole_rmse
from inpaint_export.training.critics import Critic, FeatureDistance, HoleRegion, View, half
from inpaint_export.training.objective import (
    Batch,
    HoleWeights,
    TwoStageObjective,
    hole_terms,
    weighted,
)

CRITICS = ("whole", "region")
"""By what they see: the whole picture at half its resolution, the region of the hole."""


@dataclass(frozen=True)
class RealismWeights(HoleWeights):
    """Weights of the losses of a :class:`RealismObjective`, beside those in the hole.

    perceptual: of :class:`FeatureDistance` in a region of the hole. whole, region: of the
    adversarial losses.
    """

    perceptual: float = 0.0
    whole: float = 0.0
    region: float = 0.0


Weights = TypeVar("Weights", bound=RealismWeights)


class RealismObjective(TwoStageObjective[Weights]):
    """Supervised repair that is to look real too, to critics and to features of scenes.

    The whole picture is judged at half its resolution, and at full resolution a square of ``side``
    pixels about the widest part of the hole (Iizuka et al., "Globally and Locally Consistent Image
    Completion", 2017). A critic whose first weight is 0 is not there.

    start: share of the run before the critics are trained and heard. ramp: share of the run in
    which they are heard more and more, so that they have learned something when they count.
    """

    def __init__(
        self,
        model: nn.Module,
        early: Weights,
        late: Weights,
        switch: float,
        *,
        start: float,
        ramp: float,
        side: int,
    ) -> None:
        super().__init__(model, early, late, switch)
        self.start, self.ramp, self.side = start, ramp, side
        self.critics = nn.ModuleDict({n: Critic() for n in CRITICS if getattr(early, n) > 0.0})
        perceptual = early.perceptual > 0.0 or late.perceptual > 0.0
        self.features = FeatureDistance() if perceptual else None

    def trained_modules(self) -> dict[str, nn.Module]:
        """See :meth:`Objective.trained_modules`."""
        return {"model": self.model, **({"critics": self.critics} if self.critics else {})}

    @property
    def heard(self) -> float:
        """Share of their weight that the critics have now."""
        if self.progress < self.start:
            return 0.0
        return min(1.0, (self.progress - self.start) / self.ramp) if self.ramp else 1.0

    def repair_losses(
        self,
        output: Tensor,
        image: Tensor,
        mask: Tensor,
        further: Mapping[str, Tensor] | None = None,
        added: Tensor | None = None,
    ) -> Iterator[tuple[str, Tensor]]:
        """Yields what a repaired picture costs, as :meth:`Objective.losses` does.

        output: [N, 3, H, W]. further: terms that have a weight, by its name. added: a loss that is
        weighted already.
        """
        judges = bool(self.critics) or self.features is not None
        region: View = HoleRegion(mask, self.side) if judges else half  # drawn where it is used
        views = {"whole": half, "region": region}
        begun = self.progress >= self.start
        critics = cast("dict[str, Critic]", dict(self.critics.items()) if begun else {})
        if critics:
            yield "critics", self._critics_loss(critics, image, output.detach(), mask, views)
        terms = {**hole_terms(output, image, mask), **(further or {})}
        if self.features is not None:
            terms["perceptual"] = self.features(region(output), region(image))
        self.note(**terms)
        loss = weighted(terms, self.weights)
        if added is not None:
            loss = loss + added
        if critics:
            self.critics.requires_grad_(False)
            for name, critic in critics.items():
                score = critic.adversarial_loss(views[name](output), views[name](mask))
                self.note(**{f"adversarial_{name}": score})
                loss = loss + self.heard * getattr(self.weights, name) * score
        yield "model", loss
        self.critics.requires_grad_(True)

    def _critics_loss(
        self,
        critics: Mapping[str, Critic],
        real: Tensor,
        made: Tensor,
        mask: Tensor,
        views: Mapping[str, View],
    ) -> Tensor:
        losses = {
            f"critic_{name}": critic.hinge_loss(*map(views[name], (real, made, mask)))
            for name, critic in critics.items()
        }
        self.note(**losses)
        return torch.stack(list(losses.values())).sum()


@dataclass(frozen=True)
class AdversarialWeights(RealismWeights):
    """Weights of the losses of a :class:`StagedAdversarial`.

    stages: the rmse of every stage's own picture.
    """

    stages: float = 0.0


STRICT = AdversarialWeights(rmse=1.0, l1=0.5, gradient=0.25, stages=0.25, whole=0.005, region=0.01)
"""Adversarial losses that count, ..."""

MILD = AdversarialWeights(
    log_mse=0.05, l1=0.1, gradient=0.1, stages=0.1, whole=0.0005, region=0.001
)
"""... then the mean PSNR, with weak adversarial losses: they alone would cost 0.3 dB of it."""


class StagedAdversarial(RealismObjective[AdversarialWeights]):
    """A staged inpainter, whose every stage's own picture is compared too."""

    def __init__(
        self,
        model: nn.Module,
        *,
        early: AdversarialWeights = STRICT,
        late: AdversarialWeights = MILD,
        switch: float = 3 / 7,
        start: float = 0.13,
        ramp: float = 0.0,
        side: int = 96,
    ) -> None:
        super().__init__(model, early, late, switch, start=start, ramp=ramp, side=side)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        output, stages = self.model(image, mask)
        pictures = stages.float().chunk(stages.shape[1] // 3, dim=1)
        each = torch.stack([hole_rmse(picture, image, mask) for picture in pictures]).mean()
        yield from self.repair_losses(output.float(), image, mask, {"stages": each})
