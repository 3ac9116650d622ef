"""Damaged photographs, the same undamaged, and masks of the damage as detectors and people give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inpaint_eval.drawing import Coverage, smooth_noise
from inpaint_export.data.film_damage import (
    FilmDamageDataConfig,
    FilmDamagedPhotos,
)
from inpaint_export.data.masks import random_mask
from inpaint_export.data.photos import Picture, to_tensor
from inpaint_sdk.runners.detect import widen

MARGINS = {1: 0.1, 2: 0.6, 3: 0.1, 4: 0.05, 6: 0.05, 8: 0.05, 12: 0.05}
"""Pixels by which what is marked is widened, to their relative frequency. The SDK widens what is
found by 2, since edges are soft and scanners' halos wide; people's brushes are coarser."""

FALSE_KINDS = {"thin": 0.4, "specks": 0.4, "irregular": 0.2}
"""Of holes as which false marks are drawn, to their relative frequency."""


@dataclass(frozen=True)
class FilmRestorationDataConfig(FilmDamageDataConfig):
    """As :class:`FilmDamageDataConfig`, with masks as detectors give them, faults and all.

    false_marks: share of items with marks where nothing is damaged. missed: share of items of whose
    damage some is not marked.
    """

    false_marks: float = 0.25
    missed: float = 0.4

    def open(self, root: Path, *, seed: int, length: int) -> FilmRestorations:
        """Reads the photographs and the film damage; see :class:`FilmRestorations`."""
        return FilmRestorations(root, self, seed=seed, length=length)


class FilmRestorations(FilmDamagedPhotos):
    """Damaged crops of photographs to be restored.

    Each item is a dict of uint8 tensors: ``image`` and ``clear`` [3, crop, crop], RGB, and
    ``mask`` [1, crop, crop], 255 where physical damage is said to be, and around.
    """

    def __init__(
        self, root: Path, config: FilmRestorationDataConfig, *, seed: int, length: int
    ) -> None:
        super().__init__(root, config, seed=seed, length=length)
        self.faults = config

    def draw(self, rng: np.random.Generator, picture: Picture) -> dict[str, Tensor]:
        config = self.faults
        damaged = self.damage(rng, picture)
        found = damaged.physical
        if rng.random() < config.missed:
            found = miss(rng, found)
        if rng.random() < config.false_marks:
            found = np.maximum(found, random_mask(rng, config.crop, FALSE_KINDS))
        margins, frequencies = zip(*MARGINS.items(), strict=True)
        mask = widen(found, int(rng.choice(margins, p=frequencies)))
        return {
            "image": to_tensor(damaged.picture),
            "clear": to_tensor(damaged.clean),
            "mask": torch.from_numpy(mask)[None],
        }


def miss(rng: np.random.Generator, mask: Coverage) -> Coverage:
    """A mask without some of its pieces, and with gaps in others, as a detector leaves them."""
    if not mask.any():
        return mask
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    kept = rng.random(count) >= rng.uniform(0.0, 0.5)
    seen = np.where(kept[labels], mask, np.uint8(0))
    if rng.random() < 0.5:
        gaps = smooth_noise(rng, (mask.shape[0], mask.shape[1]), float(rng.uniform(8.0, 40.0)))
        seen = np.where(gaps > rng.uniform(0.5, 2.0), np.uint8(0), seen)
    return seen
