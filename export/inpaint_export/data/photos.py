"""Photographs with synthetic holes, as an endless, seeded and resumable set of crops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from inpaint_eval.drawing import log_uniform
from inpaint_eval.pictures import read_picture
from inpaint_eval.splits import list_split
from inpaint_export.data.masks import KINDS, RATIOS, random_mask

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class LargeCrops:
    """Larger crops among the others, with wide holes, whose middle sees nothing that is known.

    A network that has learned on small crops alone has always seen a border within its reach, and
    fills such a middle anyhow.

    crop, scale, masks: as :class:`PhotoDataConfig` has them.
    every: one of so many batches is of them. batch: items that are together in one.
    """

    crop: int
    scale: tuple[float, float]
    masks: Mapping[str, float]
    every: int
    batch: int

    def has(self, index: int) -> bool:
        """Whether an item is one of them."""
        return index // self.batch % self.every == 0


@dataclass(frozen=True)
class PhotoDataConfig:
    """Where crops come from and how they are varied.

    folders: of photographs, below the data root; of each the part that may be trained on.
    crop: side of the square crops in pixels.
    scale: range of the factor by which a picture is resized before it is cropped.
    masks: mask kind to relative frequency.
    ratios: the least and the largest share of a crop that its hole covers.
    large: batches of larger crops; None for none.
    """

    folders: tuple[str, ...]
    crop: int = 256
    scale: tuple[float, float] = (0.8, 1.6)
    masks: Mapping[str, float] = field(
        default_factory=lambda: {"irregular": 0.6, "scratches": 0.15, "text": 0.1, "boxes": 0.15}
    )
    ratios: tuple[float, float] = RATIOS
    large: LargeCrops | None = None

    def __post_init__(self) -> None:
        every: list[PhotoDataConfig | LargeCrops] = [self]
        if self.large is not None:
            every.append(self.large)
        for crops in every:
            unknown = set(crops.masks) - set(KINDS)
            if unknown:
                raise ValueError(f"unknown mask kinds {sorted(unknown)}; there are {sorted(KINDS)}")
            if crops.crop % 16:
                raise ValueError(f"crop is {crops.crop}; it must be a multiple of 16")
        if not 0.0 < self.ratios[0] < self.ratios[1] < 1.0:
            raise ValueError(f"ratios is {self.ratios}; it is two shares, the lesser first")

    def open(self, root: Path, *, seed: int, length: int) -> PhotoHoles:
        """Reads the photographs; see :class:`PhotoHoles`."""
        return PhotoHoles(root, self, seed=seed, length=length)


def read_rgb(path: Path) -> Picture:
    """Decodes a picture to RGB uint8 [H, W, 3]; raises ``ValueError`` if it cannot be read."""
    return cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def read_photographs(root: Path, folders: Sequence[str]) -> list[Picture]:
    """The folders' training pictures, RGB, kept decoded in memory, which worker processes share."""
    if isinstance(folders, str):
        raise ValueError(f"folders is {folders!r}; it is a tuple of folders: ({folders!r},)")
    paths = [path for folder in folders for path in list_split(root, folder, "train")]
    return [read_rgb(path) for path in tqdm(paths, desc="reading photographs", unit="")]


def to_tensor(picture: Picture) -> Tensor:
    """From uint8 [H, W, C] to uint8 [C, H, W]."""
    return torch.from_numpy(np.stack(cv2.split(picture)))


class PhotoItems(Dataset[dict[str, Tensor]], ABC):
    """Items that are drawn from photographs; item ``i`` depends on the seed and ``i`` alone.

    The photographs of ``folders`` below ``root`` are kept in memory.
    """

    def __init__(self, root: Path, folders: Sequence[str], *, seed: int, length: int) -> None:
        self.seed = seed
        self.length = length
        self.pictures = read_photographs(root, folders)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.draw(*self.begin(index))

    def begin(self, index: int) -> tuple[np.random.Generator, Picture]:
        """An item's own generator, and its photograph."""
        rng = np.random.default_rng((self.seed, index))
        return rng, self.pictures[rng.integers(len(self.pictures))]

    @abstractmethod
    def draw(self, rng: np.random.Generator, picture: Picture) -> dict[str, Tensor]:
        """An item from one photograph."""


class PhotoHoles(PhotoItems):
    """Crops of photographs and masks.

    Each item is a dict of uint8 tensors: ``image`` [3, crop, crop], RGB, and ``mask``
    [1, crop, crop], 255 in the hole; ``crop`` is the larger one in some batches.
    """

    def __init__(self, root: Path, config: PhotoDataConfig, *, seed: int, length: int) -> None:
        super().__init__(root, config.folders, seed=seed, length=length)
        self.config = config

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        large = self.config.large
        if large is None or not large.has(index):
            return super().__getitem__(index)
        return self._crop(*self.begin(index), large)

    def draw(self, rng: np.random.Generator, picture: Picture) -> dict[str, Tensor]:
        return self._crop(rng, picture, self.config)

    def _crop(
        self, rng: np.random.Generator, picture: Picture, crops: PhotoDataConfig | LargeCrops
    ) -> dict[str, Tensor]:
        crop = recolour(rng, random_crop(rng, picture, crops.crop, crops.scale))
        mask = random_mask(rng, crops.crop, crops.masks, self.config.ratios)
        return {
            "image": to_tensor(crop),
            "mask": torch.from_numpy(np.ascontiguousarray(mask))[None],
        }


@dataclass(frozen=True)
class Square:
    """A square that is cut from pictures of one size, resized and turned.

    top, left, side: in the picture. size: of the crop. The flips follow in the order of the fields.
    """

    top: int
    left: int
    side: int
    size: int
    mirrored: bool
    upside_down: bool
    transposed: bool

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        shape: tuple[int, ...],
        size: int,
        scale: tuple[float, float],
        turned: float = 0.2,
    ) -> Square:
        """A square of random place, scale and orientation.

        shape: of the picture, height first. scale: range of the factor of the resizing.
        turned: chance of being upside down, and of being transposed. Pictures rarely are; some of
        each teaches textures all the same. With 0.5 all eight orientations are as frequent.
        """
        height, width = shape[:2]
        side = min(round(size / log_uniform(rng, *scale)), height, width)
        return cls(
            top=int(rng.integers(0, height - side + 1)),
            left=int(rng.integers(0, width - side + 1)),
            side=side,
            size=size,
            mirrored=rng.random() < 0.5,
            upside_down=rng.random() < turned,
            transposed=rng.random() < turned,
        )

    def cut(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The crop of a picture, [size, size, C], contiguous, uint8 or float32."""
        crop = picture[self.top : self.top + self.side, self.left : self.left + self.side]
        if self.side != self.size:
            method = cv2.INTER_AREA if self.side > self.size else cv2.INTER_CUBIC
            crop = cv2.resize(crop, (self.size, self.size), interpolation=method)
        # OpenCV turns pictures ten times as fast as NumPy copies turned views.
        if self.mirrored:
            crop = cv2.flip(crop, 1)
        if self.upside_down:
            crop = cv2.flip(crop, 0)
        if self.transposed:
            crop = cv2.transpose(crop)
        return np.ascontiguousarray(crop)


def random_crop(
    rng: np.random.Generator, picture: Picture, size: int, scale: tuple[float, float]
) -> Picture:
    """A :class:`Square` of one picture, [size, size, 3]."""
    return Square.random(rng, picture.shape, size, scale).cut(picture)


def recolour(rng: np.random.Generator, crop: Picture) -> Picture:
    """Varies exposure and contrast by a lookup table; now and then swaps channels or goes grey."""
    gamma = np.exp(rng.uniform(-0.3, 0.3))
    gain = rng.uniform(0.75, 1.2)
    ramp = np.linspace(0.0, 1.0, 256) ** gamma * gain + rng.uniform(-0.06, 0.06)
    table = (np.clip(ramp, 0.0, 1.0) * 255.0).round().astype(np.uint8)
    crop = cv2.LUT(crop, table).astype(np.uint8, copy=False)
    chance = rng.random()
    if chance < 0.1:
        crop = crop[..., rng.permutation(3)]
    elif chance < 0.15:
        crop = np.repeat(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return crop
