"""What judges whether a filled hole looks real: critics that learn, and features of scenes."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from inpaint_export.models.scene import SceneFeatures

View = Callable[[Tensor], Tensor]
"""What is shown of pictures [N, C, H, W]."""

NEARLY_WIDEST = 0.9
"""Share of the widest part's hole that another square has to hold to be chosen as well."""


class Critic(nn.Module):
    """Judges patches of a picture, as PatchGAN does (Isola et al., CVPR 2017).

    Spectral normalisation (Miyato et al., ICLR 2018) keeps its slope bounded. Patches that show
    nothing of the hole are alike in a true picture and a repaired one, and do not count.
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
        return scores.float()

    def hinge_loss(self, real: Tensor, made: Tensor, mask: Tensor) -> Tensor:
        """The critic's own loss (Lim and Ye, "Geometric GAN", 2017)."""
        pictures, masks = torch.cat([real, made]), torch.cat([mask, mask])
        true, false = self(pictures, masks).chunk(2)
        return _hole_mean(F.relu(1.0 - true), mask) + _hole_mean(F.relu(1.0 + false), mask)

    def adversarial_loss(self, made: Tensor, mask: Tensor) -> Tensor:
        """That of the network that it judges."""
        return -_hole_mean(self(made, mask), mask)


def _hole_mean(scores: Tensor, mask: Tensor) -> Tensor:
    """Mean over the patches that touch the hole."""
    touched = F.adaptive_max_pool2d(mask, scores.shape[-2:])
    return (scores * touched).sum() / touched.sum().clamp(min=1.0)


def half(pictures: Tensor) -> Tensor:
    """Pictures at half their size."""
    return F.avg_pool2d(pictures, 2)


class HoleRegion:
    """Cuts a square of ``side`` pixels about the widest part of each picture's hole.

    Of squares that hold nearly as much of the hole one is drawn.
    """

    def __init__(self, mask: Tensor, side: int) -> None:
        side = min(side, *mask.shape[-2:])
        step = max(1, side // 8)
        shares = F.avg_pool2d(mask, side, stride=step)  # [N, 1, h, w]
        flat = shares.flatten(1)
        likely = flat >= NEARLY_WIDEST * flat.amax(dim=1, keepdim=True)
        chosen = torch.multinomial(likely.float(), 1)[:, 0]
        self.side = side
        self.tops = (chosen // shares.shape[-1] * step).tolist()
        self.lefts = (chosen % shares.shape[-1] * step).tolist()

    def __call__(self, pictures: Tensor) -> Tensor:
        """pictures: [N, C, H, W], in the masks' order."""
        cuts = [
            picture[:, top : top + self.side, left : left + self.side]
            for picture, top, left in zip(pictures, self.tops, self.lefts, strict=True)
        ]
        return torch.stack(cuts)


class FeatureDistance(nn.Module):
    """How differently a network that tells objects sees two pictures: a perceptual loss.

    The mean over depths of the squared difference of features that are normalised over channels
    (Zhang et al., CVPR 2018). Early features carry texture, later ones what is shown.
    """

    BLOCKS = (0, 2, 4, 7, 10)
    """Of :class:`SceneFeatures`, whose outputs are compared, from 1/2 to 1/16."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = SceneFeatures()
        self.scene.complete([name for name, _ in self.scene.named_parameters()])

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar for two batches [N, 3, H, W] in [0, 1]; H and W are multiples of 16."""
        with torch.no_grad():
            expected = self._see(target)
        pairs = zip(self._see(output), expected, strict=True)
        return torch.stack([(a - b).square().sum(dim=1).mean() for a, b in pairs]).mean()

    def _see(self, pictures: Tensor) -> list[Tensor]:
        return [
            F.normalize(x.float(), dim=1) for x in self.scene.after_blocks(pictures, self.BLOCKS)
        ]
