"""Photographs under synthetic damage, and where the damage can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inpaint_export.data.damage_drawing import Light, log_uniform, paper
from inpaint_export.data.damage_kinds import KINDS
from inpaint_export.data.distortions import blur, compress, gaussian, to_picture
from inpaint_export.data.masks import Mask
from inpaint_export.data.photos import PhotoItems, Picture, random_crop, recolour, to_tensor

VISIBLE = 12
"""Of 255: how much a pixel changes in some channel before it counts as damaged."""

LARGEST = 0.5
"""Share of a picture that may be damaged; beyond it there is nothing to compare with."""

WEIGHTS: Mapping[str, float] = {
    **dict.fromkeys(KINDS, 1.0),
    "scratches": 4.0,
    **dict.fromkeys(("text", "stains", "fading"), 2.0),
}
"""Relative frequency of each kind: what is learned slowly, or seen most often, is drawn more."""


@dataclass(frozen=True)
class Damaged:
    """A damaged picture, uint8 [H, W, 3], and where, uint8 [H, W], 255 in the damage."""

    picture: Picture
    mask: Mask


def visible(before: Picture, after: Picture) -> Mask:
    """Where two pictures differ so that it can be seen; gaps of a pixel are closed."""
    red, green, blue = cv2.split(cv2.absdiff(before, after))
    changed = cv2.max(cv2.max(red, green), blue) >= VISIBLE  # NumPy's is ten times as slow
    mask = np.multiply(changed, 255, dtype=np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(np.uint8)


def damage(
    rng: np.random.Generator, clean: Picture, weights: Mapping[str, float], *, undamaged: float
) -> Damaged:
    """Ages a picture, damages it with one to five kinds, and scans it.

    What ageing and scanning do to the whole picture is no damage; a share ``undamaged`` of the
    pictures has only that.
    """
    light = _age(rng, clean.astype(np.float32) / np.float32(255.0))
    before = to_picture(light)
    after = before
    if rng.random() >= undamaged:
        after = _damage_some(rng, light, before, weights)
    return Damaged(_scan(rng, after), visible(before, after))


def _damage_some(
    rng: np.random.Generator, light: Light, before: Picture, weights: Mapping[str, float]
) -> Picture:
    names = list(weights)
    share = np.array([weights[name] for name in names])
    count = min(len(names), int(rng.choice(np.arange(1, 6), p=[0.15, 0.25, 0.25, 0.2, 0.15])))
    after = before
    for name in rng.choice(names, count, replace=False, p=share / share.sum()):
        candidate = np.clip(KINDS[name](rng, light), 0.0, 1.0)
        damaged = to_picture(candidate)
        if cv2.countNonZero(visible(before, damaged)) <= LARGEST * before[..., 0].size:
            light, after = candidate, damaged
    return after


def _age(rng: np.random.Generator, light: Light) -> Light:
    """What happens to a whole picture before it is damaged: toning, its focus, a border."""
    if rng.random() < 0.3:
        grey = light @ np.array([0.299, 0.587, 0.114], np.float32)
        tone = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.55, 1.0)], np.float32)
        light = grey[..., None] * (tone if rng.random() < 0.7 else np.ones(3, np.float32))
    if rng.random() < 0.2:
        light = blur(light, gaussian(float(rng.uniform(0.4, 1.3))))
    elif rng.random() < 0.3:  # as cameras and scanners sharpen, so that fine detail is no damage
        detail = light - blur(light, gaussian(float(rng.uniform(0.6, 1.5))))
        light = np.clip(light + np.float32(rng.uniform(0.3, 1.5)) * detail, 0.0, 1.0)
    if rng.random() < 0.03:
        light = light.copy()
        width = round(log_uniform(rng, 2, 24))
        edge = paper(rng) if rng.random() < 0.7 else np.zeros(3, np.float32)
        side = int(rng.integers(4))
        np.rot90(light, side)[:width] = edge
    return light


def _scan(rng: np.random.Generator, picture: Picture) -> Picture:
    """What happens to a whole picture afterwards: grain and compression."""
    light = picture.astype(np.float32) / np.float32(255.0)
    if rng.random() < 0.3:
        grain = rng.standard_normal(light.shape, dtype=np.float32)
        light = light + grain * np.float32(log_uniform(rng, 0.004, 0.1))
    if rng.random() < 0.45:
        light = compress(light, ".jpg", int(rng.integers(20, 98)))
    return to_picture(light)


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
