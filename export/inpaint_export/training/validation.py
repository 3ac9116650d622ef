"""Quick validation while training, on held-out pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inpaint_export.data.masks import random_mask
from inpaint_export.data.photos import list_pictures, read_rgb

SIDE = 320
"""Of the centre crops that are validated on; it fits BSDS500's short side of 321."""

MASKS = {"irregular": 1.0}


@dataclass(frozen=True)
class HoleValidationConfig:
    """Hole PSNR on photographs that are not trained on, under masks of a fixed seed.

    folder: of photographs, below the data root. count: how many of them, evenly spread.
    every: steps between validations.
    """

    folder: str
    count: int = 32
    every: int = 2000
    seed: int = 2024

    def open(self, root: Path) -> HoleValidation:
        """Reads the photographs."""
        return HoleValidation(root, self)


class HoleValidation:
    """Pictures and masks, read once."""

    figure = "hole_psnr"

    def __init__(self, root: Path, config: HoleValidationConfig) -> None:
        rng = np.random.default_rng(config.seed)
        paths = list_pictures(root / config.folder)
        chosen = [paths[i * len(paths) // config.count] for i in range(config.count)]
        self.pairs: list[tuple[Tensor, Tensor]] = []
        for path in chosen:
            picture = read_rgb(path)
            top, left = (picture.shape[0] - SIDE) // 2, (picture.shape[1] - SIDE) // 2
            crop = picture[top : top + SIDE, left : left + SIDE].transpose(2, 0, 1)
            image = torch.from_numpy(np.ascontiguousarray(crop)).float() / 255.0
            mask = torch.from_numpy(random_mask(rng, SIDE, MASKS).copy()).float() / 255.0
            self.pairs.append((image[None], mask[None, None]))

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        """Mean over pictures of the PSNR in the hole, in dB."""
        was_training = model.training
        model.eval()
        scores = []
        for image, mask in self.pairs:
            output = model(image.to(device), mask.to(device)).clamp(0.0, 1.0).cpu()
            error = ((output - image).square() * mask).sum() / (3.0 * mask.sum())
            scores.append(float(-10.0 * torch.log10(error + 1e-10)))
        model.train(was_training)
        return float(np.mean(scores))
