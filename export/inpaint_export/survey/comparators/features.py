"""Losses on the features of a network that knows what pictures show.

The comparators' papers take VGG's features; these are EfficientNet-Lite0's, which are there.
"""

from __future__ import annotations

from inspect import unwrap

import torch
from torch import Tensor, nn

from inpaint_export.models.scene import SceneFeatures


class FeatureLoss(nn.Module):
    """Distances between pictures as the features see them; none of it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = SceneFeatures()
        self.scene.complete(list(self.scene.state_dict()))

    def features(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Features of [N, 3, H, W], at 1/4, 1/8 and 1/16 of its size, with gradients."""
        # As a detector's first part the network is run without gradients; a loss needs them.
        found: tuple[Tensor, ...] = unwrap(SceneFeatures.forward)(self.scene, picture)
        return found

    def forward(self, made: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        """The perceptual and the style distance (Johnson et al., ECCV 2016)."""
        with torch.no_grad():
            wanted = self.features(true)
        pairs = list(zip(self.features(made), wanted, strict=True))
        perceptual = torch.stack([(a - b).abs().mean() for a, b in pairs]).sum()
        style = torch.stack([(_gram(a) - _gram(b)).abs().mean() for a, b in pairs]).sum()
        return perceptual, style


def _gram(features: Tensor) -> Tensor:
    """Products of channels [N, C, C], mean over positions and divided by the channels."""
    flat = features.flatten(2)
    return flat @ flat.mT / (flat.shape[1] * flat.shape[2])


def total_variation(picture: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of neighbours in what the mask shows of a picture."""
    shown = picture * mask
    across = (shown[..., :, 1:] - shown[..., :, :-1]).abs().mean()
    along = (shown[..., 1:, :] - shown[..., :-1, :]).abs().mean()
    return across + along
