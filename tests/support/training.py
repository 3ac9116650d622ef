"""A training of seconds: a small ``photo``, and pictures for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.validation import HoleValidationConfig


def write_pictures(root: Path, counts: dict[str, int]) -> None:
    """Pictures of smooth colours, 352x336: so many in each folder, which is made."""
    rng = np.random.default_rng(5)
    for folder, count in counts.items():
        (root / folder).mkdir()
        for index in range(count):
            coarse = rng.integers(0, 256, (6, 7, 3)).astype(np.uint8)
            picture = cv2.resize(coarse, (352, 336), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(root / folder / f"{index}.png"), picture)


def tiny_recipe() -> Recipe:
    """``photo``, shrunk, of the pictures in ``train`` and ``val``."""
    config = CnnConfig((8, 8, 8), (0, 1), (1, 2), (1, 0))
    return replace(
        load_recipe("photo"),
        build=partial(CnnInpainter, config),
        data=PhotoDataConfig(("train",), crop=64),
        validation=HoleValidationConfig(folder="val", count=2, every=4),
        optim=OptimConfig(warmup=2, ema=0.5),
        start=None,
        steps=8,
        batch=2,
    )
