"""Pairs of a damaged and a clear picture, with synthetic clouds to make them many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from inpaint_eval.pictures import list_pairs
from inpaint_eval.splits import list_split
from inpaint_export.data.clouds import Veil, under_thick_clouds, under_thin_cloud
from inpaint_export.data.photos import Picture, Square, read_rgb, recolour, to_tensor

HELD_OUT_EVERY = 8
"""Of the pairs, sorted by name, every eighth is never trained on and serves validation."""


SCALE = (0.75, 1.5)
"""Range of the factor by which pictures are resized before they are cropped."""

Clouds = Literal["thin", "thick"]


@dataclass(frozen=True)
class PairDataConfig:
    """Pairs below a folder, ``cloudy/NAME`` and ``clear/NAME``, and what is made of them.

    folder: that holds the two, below the data root. clouds: the kind that synthetic ones are of.
    extra: folders of other clear pictures to put synthetic clouds over.
    crop: side of the square crops in pixels.
    synthetic: share of items that are a clear picture under a synthetic cloud.
    transplanted: share that are a clear picture under the cloud of another pair.
    foreign: share, of the clear pictures that clouds are put over, that are extra ones.
    """

    folder: str
    clouds: Clouds
    extra: tuple[str, ...] = ()
    crop: int = 192
    synthetic: float = 0.6
    transplanted: float = 0.0
    foreign: float = 0.5

    def __post_init__(self) -> None:
        for name in ("synthetic", "transplanted", "foreign"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share from 0 to 1")
        if self.synthetic + self.transplanted > 1.0:
            raise ValueError("synthetic and transplanted are shares of a whole; they exceed 1")

    def open(self, root: Path, *, seed: int, length: int) -> CloudPairs:
        """Reads the pairs; see :class:`CloudPairs`."""
        return CloudPairs(root, self, seed=seed, length=length)


def read_pairs(folder: Path, *, held_out: bool) -> list[tuple[Picture, Picture]]:
    """The (cloudy, clear) pairs of a folder that are trained on, or those that are held out."""
    return [
        (read_rgb(pair.damaged), read_rgb(pair.clear))
        for index, pair in enumerate(list_pairs(folder))
        if (index % HELD_OUT_EVERY == 0) == held_out
    ]


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
        self.veils = (
            [Veil.between(cloudy, clear) for cloudy, clear in self.pairs]
            if config.transplanted
            else []
        )
        self.extra = [
            read_rgb(path) for folder in config.extra for path in list_split(root, folder, "train")
        ]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, index))
        chance = rng.random()
        if chance < self.config.synthetic:
            clear = self._ground(rng)
            under = under_thin_cloud if self.config.clouds == "thin" else under_thick_clouds
            cloudy = under(rng, clear)
        elif chance < self.config.synthetic + self.config.transplanted:
            clear = self._ground(rng)
            cloudy = self._transplant(rng, clear)
        else:
            pair = self.pairs[rng.integers(len(self.pairs))]
            square = self._square(rng, pair[1])
            cloudy, clear = square.cut(pair[0]), square.cut(pair[1])
        return {"image": to_tensor(cloudy), "clear": to_tensor(clear)}

    def _ground(self, rng: np.random.Generator) -> Picture:
        """A crop of a clear picture, of the pairs or an extra one.

        Colours are varied in extra ones only: how the ground looks, which the pairs' pictures show,
        tells how much light a cloud adds.
        """
        if self.extra and rng.random() < self.config.foreign:
            picture = self.extra[rng.integers(len(self.extra))]
            return recolour(rng, self._square(rng, picture).cut(picture))
        picture = self.pairs[rng.integers(len(self.pairs))][1]
        return self._square(rng, picture).cut(picture)

    def _transplant(self, rng: np.random.Generator, clear: Picture) -> Picture:
        veil = self.veils[rng.integers(len(self.veils))]
        return veil.cut(self._square(rng, veil.through)).over(clear)

    def _square(self, rng: np.random.Generator, picture: NDArray[Any]) -> Square:
        """Seen from above, all orientations are as frequent."""
        return Square.random(rng, picture.shape, self.config.crop, SCALE, turned=0.5)
