"""Photographs under synthetic damage, and where the damage can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inpaint_eval.damage import Damaged, visible
from inpaint_eval.drawing import add_grain, compress, log_uniform, paper, sharpen
from inpaint_export.data.damage_kinds import KINDS
from inpaint_export.data.photos import PhotoItems, Picture, random_crop, recolour, to_tensor

LARGEST = 0.5
"""Share of a picture that may be damaged; beyond it there is nothing to compare with."""

WEIGHTS: Mapping[str, float] = {
    **dict.fromkeys(KINDS, 1.0),
    "scratches": 4.0,
    **dict.fromkeys(("text", "stains", "fading"), 2.0),
}
"""Relative frequency of each kind: what is learned slowly, or seen most often, is drawn more."""


def damage(
    rng: np.random.Generator, clean: Picture, weights: Mapping[str, float], *, undamaged: float
) -> Damaged:
    """Ages a picture, damages it with one to five kinds, and scans it.

    What ageing and scanning do to the whole picture is no damage; a share ``undamaged`` of the
    pictures has only that.
    """
    before = _age(rng, clean)
    after = before
    if rng.random() >= undamaged:
        after = _damage_some(rng, before, weights)
    return Damaged(_scan(rng, after), visible(before, after))


def _damage_some(
    rng: np.random.Generator, before: Picture, weights: Mapping[str, float]
) -> Picture:
    names = list(weights)
    share = np.array([weights[name] for name in names])
    count = min(len(names), int(rng.choice(np.arange(1, 6), p=[0.15, 0.25, 0.25, 0.2, 0.15])))
    after = before
    for name in rng.choice(names, count, replace=False, p=share / share.sum()):
        damaged = after.copy()
        KINDS[name](rng, damaged)
        if cv2.countNonZero(visible(before, damaged)) <= LARGEST * before[..., 0].size:
            after = damaged
    return after


def _age(rng: np.random.Generator, clean: Picture) -> Picture:
    """What happens to a whole picture before it is damaged: toning, its focus, a border."""
    picture = clean
    if rng.random() < 0.3:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        tone = (1.0, rng.uniform(0.8, 1.0), rng.uniform(0.55, 1.0))
        tone = tone if rng.random() < 0.7 else (1.0, 1.0, 1.0)
        toned = cv2.merge([cv2.convertScaleAbs(grey, alpha=gain) for gain in tone])
        picture = toned.astype(np.uint8, copy=False)
    if rng.random() < 0.2:
        sigma = float(rng.uniform(0.4, 1.3))
        picture = cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.uint8, copy=False)
    elif rng.random() < 0.3:  # as cameras and scanners sharpen, so that fine detail is no damage
        picture = sharpen(picture, float(rng.uniform(0.6, 1.5)), float(rng.uniform(0.3, 1.5)))
    if rng.random() < 0.03:
        picture = picture.copy()
        width = round(log_uniform(rng, 2, 24))
        edge = paper(rng) * 255.0 if rng.random() < 0.7 else np.zeros(3)
        np.rot90(picture, int(rng.integers(4)))[:width] = np.rint(edge).astype(np.uint8)
    return picture


def _scan(rng: np.random.Generator, picture: Picture) -> Picture:
    """What happens to a whole picture afterwards: grain and compression."""
    if rng.random() < 0.3:
        picture = add_grain(rng, picture, log_uniform(rng, 0.004, 0.1))
    if rng.random() < 0.45:
        picture = compress(picture, ".jpg", int(rng.integers(20, 98)))
    return picture


@dataclass(frozen=True)
class DamageDataConfig:
    """Photographs below a folder, damaged.

    folder: below the data root. crop: side of the square crops in pixels.
    scale: range of the factor by which a picture is resized before it is cropped; hardly enlarged,
    since soft crops would leave a detector unprepared for fine detail.
    weights: kind of damage to its relative frequency.
    undamaged: share of items without damage, which teach what to leave alone.
    """

    folders: tuple[str, ...]
    crop: int = 272
    scale: tuple[float, float] = (0.75, 1.05)
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    undamaged: float = 0.2

    def __post_init__(self) -> None:
        unknown = set(self.weights) - set(KINDS)
        if unknown:
            raise ValueError(f"unknown kinds of damage {sorted(unknown)}; there are {list(KINDS)}")

    def open(self, root: Path, *, seed: int, length: int) -> DamagedPhotos:
        """Reads the photographs; see :class:`DamagedPhotos`."""
        return DamagedPhotos(root, self, seed=seed, length=length)


class DamagedPhotos(PhotoItems):
    """Damaged crops of photographs and their masks.

    Each item is a dict of uint8 tensors: ``image`` [3, crop, crop], RGB, and ``mask``
    [1, crop, crop], 255 in the damage.
    """

    def __init__(self, root: Path, config: DamageDataConfig, *, seed: int, length: int) -> None:
        super().__init__(root, config.folders, seed=seed, length=length)
        self.config = config

    def draw(self, rng: np.random.Generator, picture: Picture) -> dict[str, Tensor]:
        config = self.config
        crop = recolour(rng, random_crop(rng, picture, config.crop, config.scale))
        damaged = damage(rng, crop, config.weights, undamaged=config.undamaged)
        return {
            "image": to_tensor(damaged.picture),
            "mask": torch.from_numpy(np.ascontiguousarray(damaged.mask))[None],
        }
