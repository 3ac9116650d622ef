"""Quick validation while training, on held-out pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from inpaint_eval.pictures import list_pictures
from inpaint_export.data.masks import RATIOS, random_mask
from inpaint_export.data.pairs import read_pairs
from inpaint_export.data.photos import Picture, read_rgb
from inpaint_export.losses import EPSILON, hole_gradient

_T = TypeVar("_T")

SIDE = 320
"""Of the centre crops that are validated on; it fits BSDS500's short side of 321."""


@dataclass(frozen=True)
class HoleValidationConfig:
    """Hole PSNR on photographs that are not trained on, under masks of a fixed seed.

    folder: of photographs, below the data root. count: how many of them, evenly spread.
    masks: mask kind to relative frequency. every: steps between validations. ratios: the least and
    the largest share of a picture that its hole covers.
    """

    folder: str
    count: int = 32
    masks: Mapping[str, float] = field(default_factory=lambda: {"irregular": 1.0})
    every: int = 2000
    seed: int = 2024
    ratios: tuple[float, float] = RATIOS

    def open(self, root: Path) -> HoleValidation:
        """Reads the photographs."""
        return HoleValidation(root, self)


class HoleValidation:
    """Pictures and masks, read once.

    details: further figures of the last measurement: ``gradient``, the mean gradient in the hole as
    a share of the true one, and those that a network's ``hole_figures`` gives, if it has such a
    method.
    """

    figure = "hole_psnr"

    def __init__(self, root: Path, config: HoleValidationConfig) -> None:
        rng = np.random.default_rng(config.seed)
        self.pairs: list[tuple[Tensor, Tensor]] = []
        for path in evenly_spread(root / config.folder, config.count):
            image = to_unit_tensor(centre_crop(read_rgb(path)))
            mask = torch.from_numpy(random_mask(rng, SIDE, config.masks, config.ratios))
            self.pairs.append((image, mask[None, None].float() / 255.0))
        self.details: dict[str, float] = {}

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        """Mean over pictures of the PSNR in the hole, in dB."""
        was_training = model.training
        model.eval()
        scores, gradients = [], []
        for image, mask in self.pairs:
            output = _picture(model(image.to(device), mask.to(device)))
            error = ((output - image).square() * mask).sum() / (3.0 * mask.sum())
            scores.append(float(-10.0 * torch.log10(error + 1e-10)))
            sharpness = hole_gradient(output, mask) / (hole_gradient(image, mask) + EPSILON)
            gradients.append(float(sharpness))
        further = getattr(model, "hole_figures", None)
        figures = {} if further is None else further(self.pairs, device)
        model.train(was_training)
        self.details = {"gradient": round(float(np.mean(gradients)), 4), **figures}
        return float(np.mean(scores))


@dataclass(frozen=True)
class PairValidationConfig:
    """PSNR over whole pictures on pairs that are held out of a training folder.

    folder: with ``cloudy`` and ``clear``, below the data root. every: steps between validations.
    """

    folder: str
    every: int = 500

    def open(self, root: Path) -> PairValidation:
        """Reads the pairs."""
        return PairValidation(read_pairs(root / self.folder, held_out=True))


class PairValidation:
    """Pairs of a damaged and a clear picture, read once."""

    figure = "psnr"

    def __init__(self, pairs: list[tuple[Picture, Picture]]) -> None:
        self.pairs = [(to_unit_tensor(damaged), to_unit_tensor(clear)) for damaged, clear in pairs]

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        """Mean over pictures of the PSNR, in dB, of the model's first output."""
        was_training = model.training
        model.eval()
        scores = []
        for damaged, clear in self.pairs:
            output = _picture(model(damaged.to(device)))
            error = (output - clear).square().mean()
            scores.append(float(-10.0 * torch.log10(error + 1e-10)))
        model.train(was_training)
        return float(np.mean(scores))


def evenly_spread(folder: Path, count: int) -> list[Path]:
    """So many of a folder's pictures, evenly spread."""
    return spread(list_pictures(folder), count)


def spread(items: Sequence[_T], count: int) -> list[_T]:
    """So many of a sequence's items, evenly spread."""
    return [items[i * len(items) // count] for i in range(count)]


def centre_crop(picture: Picture) -> Picture:
    """The middle of a picture, SIDE pixels a side."""
    top, left = (picture.shape[0] - SIDE) // 2, (picture.shape[1] - SIDE) // 2
    return picture[top : top + SIDE, left : left + SIDE]


def _picture(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The restored picture, which is a model's first output, within [0, 1]."""
    first = outputs if isinstance(outputs, Tensor) else outputs[0]
    return first.clamp(0.0, 1.0).cpu()


def to_unit_tensor(picture: Picture) -> Tensor:
    """From uint8 [H, W, 3] to float32 [1, 3, H, W] in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].float() / 255.0
