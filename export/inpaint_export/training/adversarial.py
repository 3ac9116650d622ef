"""Training a staged inpainter with critics of the whole picture and of the repaired region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from inpaint_export.losses import hole_gradient_l1, hole_l1, hole_log_mse, hole_rmse
from inpaint_export.training.objective import Batch, TwoStageObjective, weighted

View = Callable[[Tensor], Tensor]
"""What a critic is shown of pictures [N, C, H, W]."""


class Critic(nn.Module):
    """Judges patches of a picture, as PatchGAN does (Isola et al., CVPR 2017).

    Spectral normalisation (Miyato et al., ICLR 2018) keeps its slope bounded.
    """

    adamw = ("critic_layers",)

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 4
        for out, stride in ((width, 2), (2 * width, 2), (4 * width, 2), (4 * width, 1)):
            layers += [
                spectral_norm(nn.Conv2d(channels, out, 2 + stride, stride, padding=1)),
                nn.LeakyReLU(0.2),
            ]
            channels = out
        layers.append(spectral_norm(nn.Conv2d(channels, 1, 3, padding=1)))
        self.critic_layers = nn.Sequential(*layers)

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """Scores of patches, [N, 1, h, w], for [N, 3, H, W] and its mask [N, 1, H, W]."""
        scores: Tensor = self.critic_layers(torch.cat([picture - 0.5, mask - 0.5], dim=1))
        return scores


@dataclass(frozen=True)
class AdversarialWeights:
    """Weights of the generator's losses.

    rmse, log_mse, l1, gradient: over the hole of the result. stages: the rmse of every stage's own
    picture. whole, region: of the adversarial losses.
    """

    rmse: float = 0.0
    log_mse: float = 0.0
    l1: float = 0.0
    gradient: float = 0.0
    stages: float = 0.0
    whole: float = 0.0
    region: float = 0.0


STRICT = AdversarialWeights(rmse=1.0, l1=0.5, gradient=0.25, stages=0.25, whole=0.005, region=0.01)
"""Adversarial losses that count, ..."""

MILD = AdversarialWeights(
    log_mse=0.05, l1=0.1, gradient=0.1, stages=0.1, whole=0.0005, region=0.001
)
"""... then the mean PSNR, with weak adversarial losses: they alone would cost 0.3 dB of it."""


class StagedAdversarial(TwoStageObjective[AdversarialWeights]):
    """Supervised repair, and critics that see whole pictures and the region of the hole.

    The whole picture is judged at half its resolution, the region at full resolution in a square of
    ``side`` pixels about the widest part of the hole (Iizuka et al., "Globally and Locally
    Consistent Image Completion", 2017). A critic whose first weight is 0 is not trained. Hinge
    losses (Lim and Ye, "Geometric GAN", 2017).

    start: share of the run before the adversarial losses.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        early: AdversarialWeights = STRICT,
        late: AdversarialWeights = MILD,
        switch: float = 3 / 7,
        start: float = 0.13,
        side: int = 96,
    ) -> None:
        super().__init__(model, early, late, switch)
        self.start = start
        self.side = side
        judged = {"whole": early.whole, "region": early.region}
        self.critics = nn.ModuleDict({n: Critic() for n, weight in judged.items() if weight > 0.0})

    def trained_modules(self) -> dict[str, nn.Module]:
        """See :meth:`Objective.trained_modules`."""
        return {"model": self.model, **({"critics": self.critics} if self.critics else {})}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, mask = batch["image"], batch["mask"]
        output, stages = self.model(image, mask)
        output = output.float()
        adversarial = bool(self.critics) and self.progress >= self.start
        views = self._views(mask)
        if adversarial:
            yield "critics", self._critics_loss(image, output.detach(), mask, views)
        loss = self._repair_loss(output, stages.float(), image, mask)
        if adversarial:
            self.critics.requires_grad_(False)
            loss = loss + self._adversarial_loss(output, mask, views)
        yield "model", loss
        self.critics.requires_grad_(True)

    def _repair_loss(self, output: Tensor, stages: Tensor, image: Tensor, mask: Tensor) -> Tensor:
        pictures = stages.chunk(stages.shape[1] // 3, dim=1)
        terms = {
            "rmse": hole_rmse(output, image, mask),
            "log_mse": hole_log_mse(output, image, mask),
            "l1": hole_l1(output, image, mask),
            "gradient": hole_gradient_l1(output, image, mask),
            "stages": torch.stack([hole_rmse(p, image, mask) for p in pictures]).mean(),
        }
        self.note(**terms)
        return weighted(terms, self.weights)

    def _critics_loss(
        self, real: Tensor, made: Tensor, mask: Tensor, views: dict[str, View]
    ) -> Tensor:
        total = real.new_zeros(())
        for name, critic in self.critics.items():
            view = views[name]
            shown = view(torch.cat([real, made])), view(torch.cat([mask, mask]))
            true, false = critic(*shown).float().chunk(2)
            loss = F.relu(1.0 - true).mean() + F.relu(1.0 + false).mean()
            self.note(**{f"critic_{name}": loss})
            total = total + loss
        return total

    def _adversarial_loss(self, made: Tensor, mask: Tensor, views: dict[str, View]) -> Tensor:
        total = made.new_zeros(())
        for name, critic in self.critics.items():
            score = -critic(views[name](made), views[name](mask)).float().mean()
            self.note(**{f"adversarial_{name}": score})
            total = total + getattr(self.weights, name) * score
        return total

    def _views(self, mask: Tensor) -> dict[str, View]:
        return {"whole": _half, "region": _Region(mask, self.side)}


def _half(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, 2)


class _Region:
    """Cuts a square about the widest part of each picture's hole."""

    def __init__(self, mask: Tensor, side: int) -> None:
        step = side // 8
        side = min(side, mask.shape[-2], mask.shape[-1])
        shares = F.avg_pool2d(mask, side, stride=step)  # [N, 1, h, w]
        best = shares.flatten(1).argmax(dim=1)
        self.side = side
        self.tops = (best // shares.shape[-1] * step).tolist()
        self.lefts = (best % shares.shape[-1] * step).tolist()

    def __call__(self, pictures: Tensor) -> Tensor:
        """pictures: [N, C, H, W], or twice as many, in the masks' order."""
        places = list(zip(self.tops, self.lefts, strict=True))
        places *= len(pictures) // len(places)
        cuts = [
            picture[:, top : top + self.side, left : left + self.side]
            for picture, (top, left) in zip(pictures, places, strict=True)
        ]
        return torch.stack(cuts)
