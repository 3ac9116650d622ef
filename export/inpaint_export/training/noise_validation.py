"""Quick validation of models that clean pictures, by what the pictures suffer from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inpaint_export.data.noisy_photos import FAMILIES, LEFT_ALONE, draw_noisy
from inpaint_export.data.photos import read_rgb
from inpaint_export.training.validation import PairValidation, evenly_spread

SIDE = 256
"""Of the crops that are validated on."""

SCALE = (0.85, 1.0)


@dataclass(frozen=True)
class NoiseValidationConfig:
    """PSNR on photographs that are not trained on, noisy by a fixed seed.

    folder: of photographs, below the data root. count: of them, evenly spread, for each of
    ``noisy_photos.FAMILIES``. every: steps between validations.
    """

    folder: str
    count: int = 10
    every: int = 1000
    seed: int = 2024

    def open(self, root: Path) -> NoiseValidation:
        """Reads the photographs and makes them noisy."""
        return NoiseValidation(root, self)


@dataclass
class NoiseValidation:
    """Pairs of each family, made once."""

    root: Path
    config: NoiseValidationConfig
    figure: str = field(default="psnr", init=False)

    def __post_init__(self) -> None:
        paths = evenly_spread(self.root / self.config.folder, self.config.count)
        photos = [read_rgb(path) for path in paths]
        self._families: dict[str, PairValidation] = {}
        for index, family in enumerate(FAMILIES):
            rng = np.random.default_rng((self.config.seed, index))
            drawn = [draw_noisy(rng, photo, SIDE, SCALE, family) for photo in photos]
            self._families[family] = PairValidation([(d.image, d.clear) for d in drawn])
        self._details: dict[str, float] = {}

    @property
    def details(self) -> Mapping[str, float]:
        """Mean PSNR of each family at the last measurement."""
        return self._details

    def measure(self, model: nn.Module, device: torch.device) -> float:
        """Mean PSNR over all pictures but those that are to be left alone, in dB."""
        measured = {name: pairs.measure(model, device) for name, pairs in self._families.items()}
        self._details = {f"psnr_{name}": round(psnr, 4) for name, psnr in measured.items()}
        return float(np.mean([v for name, v in measured.items() if name not in LEFT_ALONE]))
