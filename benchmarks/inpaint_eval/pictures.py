"""Pictures and the masks that they are measured under: a fixed assignment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.files import SUFFIXES

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Ratio:
    """Hole ratios from ``low`` to below ``high``, in percent of a mask's pixels."""

    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> Ratio:
        """Reads ``"10-20"``; raises ``ValueError`` for anything else."""
        low, dash, high = text.partition("-")
        try:
            ratio = cls(float(low), float(high))
        except ValueError:
            raise ValueError(f"a hole ratio is like 10-20 (percent), not {text!r}") from None
        if not dash or not 0 <= ratio.low < ratio.high <= 100:
            raise ValueError(f"a hole ratio is like 10-20 (percent), not {text!r}")
        return ratio

    def __str__(self) -> str:
        return f"{self.low:g}-{self.high:g} %"


@dataclass(frozen=True)
class Sample:
    """A picture, uint8 BGR [H, W, 3], and a mask of its size, uint8 [H, W], 255 in the hole."""

    picture_path: Path
    mask_path: Path
    picture: Pixels
    mask: Pixels


def list_pictures(folder: Path) -> list[Path]:
    """A folder's picture files, sorted by name; raises ``FileNotFoundError`` if there are none."""
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f"no pictures in {folder}; give the folder that holds them")
    return found


@dataclass(frozen=True)
class PairPaths:
    """A damaged picture and what it is without the damage."""

    damaged: Path
    clear: Path


def list_pairs(folder: Path) -> list[PairPaths]:
    """Pairs ``cloudy/NAME`` and ``clear/NAME`` of a folder, sorted by name.

    Raises ``FileNotFoundError`` if there are none, or one lacks its clear picture.
    """
    pairs = [PairPaths(p, folder / "clear" / p.name) for p in list_pictures(folder / "cloudy")]
    for pair in pairs:
        if not pair.clear.is_file():
            raise FileNotFoundError(f"{pair.damaged} has no clear picture {pair.clear}")
    return pairs


def list_camera_pairs(folder: Path) -> list[PairPaths]:
    """Pairs ``NAME_real``, one noisy shot, and ``NAME_mean``, the mean of many; sorted by name.

    Raises ``FileNotFoundError`` if there are none, or one lacks its mean.
    """
    shots = [path for path in list_pictures(folder) if path.stem.endswith("_real")]
    pairs = [PairPaths(p, p.with_stem(f"{p.stem.removesuffix('_real')}_mean")) for p in shots]
    if not pairs:
        raise FileNotFoundError(f"no picture in {folder} is called NAME_real")
    for pair in pairs:
        if not pair.clear.is_file():
            raise FileNotFoundError(f"{pair.damaged} has no mean picture {pair.clear}")
    return pairs


def assign(pictures: Path, masks: Path, ratio: Ratio) -> Iterator[Sample]:
    """Pairs each picture of a folder with a mask of the given hole ratio, always the same one.

    Pictures are sorted by name; of the masks, those are kept, sorted by name, whose hole ratio in
    the file is within ``ratio``. Picture i of n gets mask floor((i + 0.5) * m / n) of m, resized to
    the picture by nearest neighbour.
    """
    paths = list_pictures(pictures)
    kept = [p for p in list_pictures(masks) if ratio.low <= hole_ratio(read_mask(p)) < ratio.high]
    if not kept:
        raise FileNotFoundError(f"no masks with a hole ratio of {ratio} in {masks}")
    for index, path in enumerate(paths):
        mask_path = kept[(2 * index + 1) * len(kept) // (2 * len(paths))]
        picture = read_picture(path)
        mask = read_mask(mask_path)
        size = (picture.shape[1], picture.shape[0])
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
        yield Sample(path, mask_path, picture, mask)


def read_picture(path: Path) -> Pixels:
    """A picture file as uint8 BGR [H, W, 3]; raises ``ValueError``."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"cannot read {path}: it is not a picture that OpenCV can read")
    return picture.astype(np.uint8, copy=False)


def read_mask(path: Path) -> Pixels:
    """A mask file as uint8 [H, W], 255 where it is above half; raises ``ValueError``."""
    return np.multiply(read_grey(path) > 127, 255, dtype=np.uint8)


def read_grey(path: Path) -> Pixels:
    """A picture file as uint8 [H, W]; raises ``ValueError``."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError(f"cannot read {path}: it is not a picture that OpenCV can read")
    return grey.astype(np.uint8, copy=False)


def hole_ratio(mask: Pixels) -> float:
    """The share of a mask's pixels that is hole, in percent."""
    return 100.0 * cv2.countNonZero(mask) / mask.size
