"""CycleGAN, of the survey's tables 2 and 3.

Zhu, Park, Isola, Efros: "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017. Two residual generators, one that clears pictures and one that clouds them,
and a critic of each kind of pictures; trained by least-squares adversarial losses and ten times the
absolute error of what went through both. It is not told which clear picture belongs to a cloudy
one: a batch's clear pictures are moved on by one, so that no two of a pair meet.

Left out: the history of 50 made pictures that critics are shown; the identity loss, which the paper
has for paintings only.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import PatchCritic, critic_loss, generator_loss
from inpaint_export.survey.comparators.layers import Norm, activated, conv
from inpaint_export.training.objective import Batch, Objective
from inpaint_sdk import Memory


class Residual(nn.Module):
    """Two convolutions, added to what they began with."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv(channels, channels, norm=norm), conv(channels, channels, norm=norm, slope=1.0)
        )

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.layers(x)
        return added


class ResNetGenerator(nn.Module):
    """Johnson's network: down to 1/4 of the resolution, residual blocks, and up again."""

    adamw = ("first", "last")

    def __init__(self, inputs: int, width: int, blocks: int, norm: Norm = "instance") -> None:
        super().__init__()
        half, quarter = 2 * width, 4 * width
        self.first = conv(inputs, width, 7, norm=norm)
        self.layers = nn.Sequential(
            conv(width, half, stride=2, norm=norm),
            conv(half, quarter, stride=2, norm=norm),
            *(Residual(quarter, norm) for _ in range(blocks)),
            activated(nn.ConvTranspose2d(quarter, half, 3, 2, 1, 1), half, norm, 0.0),
            activated(nn.ConvTranspose2d(half, width, 3, 2, 1, 1), width, norm, 0.0),
        )
        self.last = nn.Conv2d(width, 3, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, 3, H, W]; sides are multiples of 4."""
        made: Tensor = self.last(self.layers(self.first(x)))
        return made


class CycleGan(nn.Module):
    """One of the two generators: the one that restores is what a model file holds."""

    size_multiple = 8  # instance normalisation needs more than one position at 1/4
    memory = Memory(bytes_per_pixel=275)

    def __init__(self, width: int = 12, blocks: int = 5) -> None:
        super().__init__()
        self.generator = ResNetGenerator(3, width, blocks)

    def forward(self, image: Tensor) -> Tensor:
        """From RGB [N, 3, H, W] in [0, 1] to the restored picture."""
        return 0.5 + self.generator(image - 0.5)


class CycleConsistency(Objective):
    """Both generators and both critics.

    The generator that damages pictures is built as the one that restores them: by its class's
    defaults, unless it is given.
    """

    def __init__(
        self, model: nn.Module, *, cycle: float = 10.0, back: nn.Module | None = None
    ) -> None:
        super().__init__(model)
        self.generators = nn.ModuleDict({"there": model, "back": back or CycleGan()})
        kinds = ("clean", "damaged")
        self.critics = nn.ModuleDict({kind: PatchCritic(3, "instance") for kind in kinds})
        self.cycle = cycle

    def trained_modules(self) -> dict[str, nn.Module]:
        """See :meth:`Objective.trained_modules`."""
        return {"generators": self.generators, "critics": self.critics}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        real = {"damaged": batch["image"], "clean": batch["clear"].roll(1, dims=0)}
        there, back = self.generators["there"], self.generators["back"]
        made = {"clean": there(real["damaged"]), "damaged": back(real["clean"])}
        yield "critics", self._critics_loss(real, made)
        returned = {"damaged": back(made["clean"]), "clean": there(made["damaged"])}
        cycle = torch.stack([(returned[kind] - real[kind]).abs().mean() for kind in real]).sum()
        self.critics.requires_grad_(False)
        adversarial = torch.stack([self._fooled(kind, picture) for kind, picture in made.items()])
        self.note(cycle=cycle, adversarial=adversarial.sum())
        yield "generators", adversarial.sum() + self.cycle * cycle
        self.critics.requires_grad_(True)

    def _critics_loss(self, real: dict[str, Tensor], made: dict[str, Tensor]) -> Tensor:
        losses = []
        for kind, critic in self.critics.items():
            scores = (critic(picture[kind].detach() - 0.5).float() for picture in (real, made))
            losses.append(critic_loss("least-squares", *scores))
        total = torch.stack(losses).sum()
        self.note(critics=total)
        return total

    def _fooled(self, kind: str, picture: Tensor) -> Tensor:
        return generator_loss("least-squares", self.critics[kind](picture - 0.5).float())
