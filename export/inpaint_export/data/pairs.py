"""Pairs of a damaged and a clear picture, with synthetic clouds to make them many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from inpaint_bench.data import list_pictures
from inpaint_export.data.photos import Picture, read_rgb

HELD_OUT_EVERY = 8
"""Of the pairs, sorted by name, every eighth is never trained on and serves validation."""


@dataclass(frozen=True)
class PairDataConfig:
    """Pairs below a folder: ``cloudy/NAME`` and ``clear/NAME``.

    folder: that holds the two, below the data root. extra: folder of other clear pictures to put
    synthetic clouds over, or None. crop: side of the square crops in pixels.
    synthetic: share of items that are a clear picture under a synthetic cloud.
    density: range of a synthetic cloud's greatest opacity.
    """

    folder: str
    extra: str | None = None
    crop: int = 224
    synthetic: float = 0.3
    density: tuple[float, float] = (0.3, 0.9)

    def __post_init__(self) -> None:
        if not 0.0 <= self.synthetic <= 1.0:
            raise ValueError(f"synthetic is {self.synthetic}; it is a share between 0 and 1")

    def open(self, root: Path, *, seed: int, length: int) -> CloudPairs:
        """Reads the pairs; see :class:`CloudPairs`."""
        return CloudPairs(root, self, seed=seed, length=length)


def read_pairs(folder: Path, *, held_out: bool) -> list[tuple[Picture, Picture]]:
    """The (cloudy, clear) pairs of a folder that are trained on, or those that are held out.

    Raises ``FileNotFoundError`` for a cloudy picture without its clear one.
    """
    paths = list_pictures(folder / "cloudy")
    chosen = [p for i, p in enumerate(paths) if (i % HELD_OUT_EVERY == 0) == held_out]
    pairs = []
    for path in chosen:
        clear = folder / "clear" / path.name
        if not clear.is_file():
            raise FileNotFoundError(f"{path} has no clear picture {clear}")
        pairs.append((read_rgb(path), read_rgb(clear)))
    return pairs


class CloudPairs(Dataset[dict[str, Tensor]]):
    """Item ``i`` is a pair of crops that depends on the seed and ``i`` alone.

    Each item is a dict of uint8 tensors [3, crop, crop], RGB: ``image``, the cloudy one, and
    ``clear``.
    """

    def __init__(self, root: Path, config: PairDataConfig, *, seed: int, length: int) -> None:
        self.config = config
        self.seed = seed
        self.length = length
        self.pairs = read_pairs(root / config.folder, held_out=False)
        self.clear = [clear for _, clear in self.pairs]
        if config.extra is not None:
            self.clear += [read_rgb(path) for path in list_pictures(root / config.extra)]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, index))
        if rng.random() < self.config.synthetic:
            clear = self.clear[rng.integers(len(self.clear))]
            cloudy = under_cloud(rng, clear, self.config.density)
        else:
            cloudy, clear = self.pairs[rng.integers(len(self.pairs))]
        cloudy, clear = _same_crop(rng, (cloudy, clear), self.config.crop)
        cloudy, clear = _same_colours(rng, (cloudy, clear))
        return {"image": _tensor(cloudy), "clear": _tensor(clear)}


def under_cloud(rng: np.random.Generator, clear: Picture, density: tuple[float, float]) -> Picture:
    """Puts a synthetic cloud over a picture: fractal opacity, nearly white, with a soft haze."""
    size = clear.shape[:2]
    field = fractal_noise(rng, size)
    cover = np.clip((field - rng.uniform(-0.8, 0.6)) / rng.uniform(0.5, 2.0), 0.0, 1.0)
    opacity = np.clip(cover * rng.uniform(*density) + rng.uniform(0.0, 0.3), 0.0, 0.97)
    colour = rng.uniform(0.55, 0.95) + rng.uniform(-0.06, 0.06, 3)
    light = clear.astype(np.float32) / 255.0
    mixed = light * (1.0 - opacity[..., None]) + colour.astype(np.float32) * opacity[..., None]
    return (np.clip(mixed, 0.0, 1.0) * 255.0).round().astype(np.uint8)


def fractal_noise(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """Noise of about unit variance whose octaves halve in strength, [H, W]."""
    height, width = size
    total = np.zeros(size, np.float32)
    cells, strength = int(rng.integers(2, 4)), 1.0
    while cells < 64:
        octave = rng.standard_normal((cells, cells)).astype(np.float32)
        total += strength * cv2.resize(octave, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, strength = cells * 2, strength * 0.5
    return total


def _same_crop(
    rng: np.random.Generator, pictures: tuple[Picture, Picture], size: int
) -> tuple[Picture, Picture]:
    """One square of both, of random place, scale and one of eight orientations."""
    height, width = pictures[0].shape[:2]
    side = min(round(size / rng.uniform(0.9, 1.6)), height, width)
    top, left = (int(rng.integers(0, n - side + 1)) for n in (height, width))
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))

    def one(picture: Picture) -> Picture:
        crop = picture[top : top + side, left : left + side]
        if side != size:
            crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        crop = np.rot90(crop, turns)
        return np.ascontiguousarray(crop[:, ::-1] if mirrored else crop)

    return one(pictures[0]), one(pictures[1])


def _same_colours(
    rng: np.random.Generator, pictures: tuple[Picture, Picture]
) -> tuple[Picture, Picture]:
    """Half of the time, both with one slight change of exposure in each channel."""
    if rng.random() < 0.5:
        return pictures
    gains = rng.uniform(0.9, 1.1, 3)
    table = np.clip(np.arange(256)[:, None] * gains, 0, 255).round().astype(np.uint8)
    first, second = (np.stack([table[p[..., c], c] for c in range(3)], axis=2) for p in pictures)
    return first, second


def _tensor(picture: Picture) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
