"""What adversarial comparators share: critics, their losses, and the training step of a GAN."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from inpaint_export.survey.comparators.layers import Norm, conv
from inpaint_export.training.objective import Batch, Objective

GanLoss = Literal["log", "least-squares", "hinge", "wasserstein"]


def critic_loss(kind: GanLoss, true: Tensor, made: Tensor) -> Tensor:
    """What a critic minimises, from its scores of true pictures and of made ones."""
    if kind == "log":
        return F.softplus(-true).mean() + F.softplus(made).mean()
    if kind == "least-squares":
        return 0.5 * ((true - 1.0).square().mean() + made.square().mean())
    if kind == "hinge":
        return F.relu(1.0 - true).mean() + F.relu(1.0 + made).mean()
    return made.mean() - true.mean()


def generator_loss(kind: GanLoss, made: Tensor) -> Tensor:
    """What a generator minimises, from the critic's scores of what it made."""
    if kind == "log":
        return F.softplus(-made).mean()  # the form that does not saturate
    if kind == "least-squares":
        return (made - 1.0).square().mean()
    return -made.mean()


def gradient_penalty(judge: Callable[[Tensor], Tensor], true: Tensor, made: Tensor) -> Tensor:
    """How far from 1 the critic's slope is between true and made pictures.

    Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.
    """
    share = torch.rand(len(true), 1, 1, 1, device=true.device)
    between = (share * true + (1.0 - share) * made).requires_grad_()
    (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1.0).square().mean()


class PatchCritic(nn.Module):
    """PatchGAN's critic, which scores patches of 70x70 pixels (Isola et al., CVPR 2017).

    channels: of all its inputs together. norm: of the layers between the first and the last; with
    ``"spectral"`` all are spectrally normalised (Miyato et al., ICLR 2018).
    """

    adamw = ("layers",)

    def __init__(self, channels: int, norm: Norm | Literal["spectral"], width: int = 24) -> None:
        super().__init__()
        inner: Norm = "none" if norm == "spectral" else norm
        self.layers = nn.Sequential(
            conv(channels, width, 4, stride=2, norm="none", slope=0.2),
            conv(width, 2 * width, 4, stride=2, norm=inner, slope=0.2),
            conv(2 * width, 4 * width, 4, stride=2, norm=inner, slope=0.2),
            conv(4 * width, 4 * width, 4, norm=inner, slope=0.2),
            nn.Conv2d(4 * width, 1, 4, padding=1),
        )
        if norm == "spectral":
            for layer in [m for m in self.layers.modules() if isinstance(m, nn.Conv2d)]:
                spectral_norm(layer)

    def forward(self, *planes: Tensor) -> Tensor:
        """Scores [N, 1, h, w] of pictures and what they are judged with, [N, C, H, W] each."""
        scores: Tensor = self.layers(torch.cat(planes, dim=1))
        return scores


class GlobalCritic(nn.Module):
    """Numbers for a whole picture, from strided convolutions (Radford et al., "DCGAN", ICLR 2016).

    channels: of all its inputs together. outputs: how many numbers; one is a score.
    """

    adamw = ("layers", "last")

    def __init__(
        self, channels: int, outputs: int = 1, *, norm: Norm = "batch", width: int = 24
    ) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width, 4 * width)
        layers = [conv(channels, width, 4, stride=2, norm="none", slope=0.2)]
        for index, after in enumerate(widths[1:]):
            layers.append(conv(widths[index], after, 4, stride=2, norm=norm, slope=0.2))
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(widths[-1], outputs)

    def forward(self, *planes: Tensor) -> Tensor:
        """[N, outputs] of pictures and what they are judged with, [N, C, H, W] each."""
        numbers: Tensor = self.last(self.layers(torch.cat(planes, dim=1)).mean(dim=(2, 3)))
        return numbers


def truth(batch: Batch) -> Tensor:
    """What a batch's pictures are to become, [N, 3, H, W]."""
    return batch["clear"] if "clear" in batch else batch["image"]


class AdversarialObjective(Objective):
    """A generator and a critic that are trained in turn, the critic first.

    weight: of the adversarial loss. penalty: weight of the critic's gradient penalty. start: share
    of the run before the adversarial loss counts; the critic is trained from half of it on.
    """

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
        super().__init__(model)
        self.critic = critic
        self.loss = loss
        self.weight = weight
        self.penalty = penalty
        self.start = start

    def trained_modules(self) -> dict[str, nn.Module]:
        """See :meth:`Objective.trained_modules`."""
        return {"model": self.model, "critic": self.critic}

    @abstractmethod
    def restore(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The picture that is judged, [N, 3, H, W], and the sum of all other losses."""

    @abstractmethod
    def judge(self, batch: Batch, picture: Tensor) -> Tensor:
        """The critic's scores of a picture."""

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        made, loss = self.restore(batch)
        self.note(supervised=loss)
        if self.progress >= 0.5 * self.start:
            yield "critic", self._critic_loss(batch, made.detach())
        if self.progress >= self.start:
            self.critic.requires_grad_(False)
            adversarial = generator_loss(self.loss, self.judge(batch, made).float())
            self.note(adversarial=adversarial)
            loss = loss + self.weight * adversarial
        yield "model", loss
        self.critic.requires_grad_(True)

    def _critic_loss(self, batch: Batch, made: Tensor) -> Tensor:
        true = truth(batch)
        scores = self.judge(batch, true).float(), self.judge(batch, made).float()
        loss = critic_loss(self.loss, *scores)
        self.note(critic=loss)
        if self.penalty:
            loss = loss + self.penalty * gradient_penalty(
                lambda picture: self.judge(batch, picture), true, made
            )
        return loss
