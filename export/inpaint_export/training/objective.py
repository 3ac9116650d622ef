"""What a training step minimises: networks, losses and which optimiser each loss drives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import Tensor, nn

from inpaint_export.losses import hole_gradient_l1, hole_l1, hole_log_mse, hole_rmse

if TYPE_CHECKING:
    from typing_extensions import Self

Batch = Mapping[str, Tensor]


class Objective(nn.Module, ABC):
    """The network to be exported, whatever helps to train it, and its losses.

    A loss is yielded together with the name of the module that it trains; the loop takes that
    module's optimiser step before it asks for the next loss. A GAN trains its critics too;
    everything else has only ``"model"``.
    """

    model: nn.Module

    progress: float = 0.0
    """Share of the run's steps that are done, from 0 to 1; the loop keeps it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._noted: dict[str, Tensor] = {}
        self._frozen: list[nn.Module] = []

    def freeze(self, *parts: nn.Module) -> None:
        """Keeps parts of the network as they are while the rest is trained.

        Their normalisations use the statistics that they have, and do not gather new ones.
        """
        self._frozen.extend(parts)
        for part in parts:
            part.requires_grad_(False)
            part.eval()

    def train(self, mode: bool = True) -> Self:
        """As of any module; what is frozen stays in evaluation mode."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def trained_modules(self) -> dict[str, nn.Module]:
        """The modules that have optimisers of their own, by name."""
        return {"model": self.model}

    @abstractmethod
    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yields (name of a trained module, scalar loss). Batch tensors are float32 in [0, 1]."""

    def note(self, **figures: Tensor) -> None:
        """Keeps scalars of this step for the log, by name."""
        self._noted.update((name, figure.detach()) for name, figure in figures.items())

    def report(self) -> dict[str, float]:
        """Figures of the last step for the log, by name."""
        return {name: float(figure) for name, figure in self._noted.items()}


Weights = TypeVar("Weights")


class TwoStageObjective(Objective, Generic[Weights]):
    """An objective with a staged schedule: its losses have other weights later than at first.

    switch: share of the run after which ``late`` weights take the place of ``early`` ones.
    """

    def __init__(self, model: nn.Module, early: Weights, late: Weights, switch: float) -> None:
        super().__init__(model)
        self.early, self.late, self.switch = early, late, switch

    @property
    def weights(self) -> Weights:
        """Those that hold now."""
        return self.early if self.progress < self.switch else self.late


@dataclass(frozen=True)
class HoleWeights:
    """Weights of the losses in the hole: see the functions of :mod:`inpaint_export.losses`."""

    rmse: float = 0.0
    log_mse: float = 0.0
    l1: float = 0.0
    gradient: float = 0.0


def hole_terms(output: Tensor, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The losses that :class:`HoleWeights` weighs, by name."""
    return {
        "rmse": hole_rmse(output, image, mask),
        "log_mse": hole_log_mse(output, image, mask),
        "l1": hole_l1(output, image, mask),
        "gradient": hole_gradient_l1(output, image, mask),
    }


def weighted(terms: Mapping[str, Tensor], weights: object) -> Tensor:
    """The sum of losses by their weights, which are attributes of the losses' names."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()


class HoleRegression(TwoStageObjective[HoleWeights]):
    """Supervised inpainting, in two stages: hard pictures first, then the mean PSNR."""

    def __init__(
        self,
        model: nn.Module,
        *,
        early: HoleWeights = HoleWeights(rmse=1.0, l1=0.5, gradient=0.25),
        late: HoleWeights = HoleWeights(log_mse=0.05, l1=0.1, gradient=0.1),
        switch: float = 0.6,
    ) -> None:
        super().__init__(model, early, late, switch)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        terms = hole_terms(self.model(image, mask).float(), image, mask)
        self.note(**terms)
        yield "model", weighted(terms, self.weights)


@dataclass(frozen=True)
class PairWeights(HoleWeights):
    """Weights of the losses of :class:`PairRegression`, over whole pictures."""

    auxiliary: float = 0.0


class PairRegression(TwoStageObjective[PairWeights]):
    """Supervised restoration of whole pictures, with an auxiliary output.

    The model returns a picture and an auxiliary output. ``auxiliary_target`` makes its target from
    the batch, and its loss is the mean squared error. Hard pictures first, then the mean PSNR.
    """

    def __init__(
        self,
        model: nn.Module,
        auxiliary_target: Callable[[Batch], Tensor],
        *,
        early: PairWeights = PairWeights(rmse=1.0, l1=0.5, auxiliary=0.05),
        late: PairWeights = PairWeights(log_mse=0.05, l1=0.1, auxiliary=0.02),
        switch: float = 0.5,
    ) -> None:
        super().__init__(model, early, late, switch)
        self.auxiliary_target = auxiliary_target

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, clear = batch["image"], batch["clear"]
        output, auxiliary = self.model(image)
        output = output.float()
        whole = torch.ones_like(clear[:, :1])
        terms = hole_terms(output, clear, whole)
        terms["auxiliary"] = (auxiliary.float() - self.auxiliary_target(batch)).square().mean()
        self.note(**terms)
        yield "model", weighted(terms, self.weights)


def change(batch: Batch) -> Tensor:
    """Target of the attention: the mean absolute difference of a pair, [N, 1, H, W].

    As in SPANet's training (Wang et al., CVPR 2019), scaled to [0, 1].
    """
    difference = (batch["image"] - batch["clear"]).abs().mean(dim=1, keepdim=True)
    return (3.0 * difference).clamp(max=1.0)
