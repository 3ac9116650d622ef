"""What a training step minimises: networks, losses and which optimiser each loss drives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from inpaint_export.losses import hole_gradient_l1, hole_l1, hole_rmse

Batch = Mapping[str, Tensor]


class Objective(nn.Module, ABC):
    """The network to be exported, whatever helps to train it, and its losses.

    A loss is yielded together with the name of the player whose parameters it trains;
    the loop takes the player's optimiser step before it asks for the next loss. A GAN has a second
    player; everything else has only ``"model"``.
    """

    model: nn.Module

    def players(self) -> dict[str, nn.Module]:
        """Name to the module whose parameters that player's optimiser changes."""
        return {"model": self.model}

    @abstractmethod
    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yields (player, scalar loss). Batch tensors are float32 in [0, 1]."""

    def report(self) -> dict[str, float]:
        """Figures of the last step for the log, by name."""
        return {}


class HoleRegression(Objective):
    """Supervised inpainting: weighted RMSE, L1 and gradient L1 in the hole."""

    def __init__(
        self, model: nn.Module, *, rmse: float = 1.0, l1: float = 0.5, gradient: float = 0.25
    ) -> None:
        super().__init__()
        self.model = model
        self.weights = {"rmse": rmse, "l1": l1, "gradient": gradient}
        self._last: dict[str, Tensor] = {}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        output = self.model(image, mask).float()
        terms = {
            "rmse": hole_rmse(output, image, mask),
            "l1": hole_l1(output, image, mask),
            "gradient": hole_gradient_l1(output, image, mask),
        }
        self._last = {name: term.detach() for name, term in terms.items()}
        yield "model", torch.stack([self.weights[n] * t for n, t in terms.items()]).sum()

    def report(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._last.items()}


class PairRegression(Objective):
    """Supervised restoration of whole pictures, with attention taught where the change is.

    The model returns a picture and an attention map. The map's target is the mean absolute
    difference of the pair, as in SPANet's training (Wang et al., CVPR 2019), scaled to [0, 1].
    """

    def __init__(
        self, model: nn.Module, *, rmse: float = 1.0, l1: float = 0.5, attention: float = 0.05
    ) -> None:
        super().__init__()
        self.model = model
        self.weights = {"rmse": rmse, "l1": l1, "attention": attention}
        self._last: dict[str, Tensor] = {}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, clear = batch["image"], batch["clear"]
        output, attention = self.model(image)
        error = output.float() - clear
        change = (3.0 * (image - clear).abs().mean(dim=1, keepdim=True)).clamp(max=1.0)
        terms = {
            "rmse": torch.sqrt(error.square().mean(dim=(1, 2, 3)) + 1e-8).mean(),
            "l1": error.abs().mean(),
            "attention": (attention.float() - change).square().mean(),
        }
        self._last = {name: term.detach() for name, term in terms.items()}
        yield "model", torch.stack([self.weights[n] * t for n, t in terms.items()]).sum()

    def report(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._last.items()}
