"""How well large holes are filled: what the families for them are measured by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inpaint_eval.pictures import Ratio, assign, list_pictures, read_picture
from inpaint_eval.scores import Pixels, Score, mean_score, score

HOLES = ("40-60 %", "box")
"""Irregular masks of these ratios, and a centred box of a quarter of the picture."""


@dataclass(frozen=True)
class Holed:
    """picture: uint8 BGR [H, W, 3]. mask: uint8 [H, W], nonzero in the hole."""

    picture: Pixels
    mask: Pixels


def holed_pictures(folder: Path, masks: Path, holes: str) -> list[Holed]:
    """A folder's pictures with one of :data:`HOLES` each, the same ones every time."""
    if holes == "box":
        pictures = [read_picture(path) for path in list_pictures(folder)]
        return [Holed(picture, centred_box(*picture.shape[:2])) for picture in pictures]
    ratio = Ratio.parse(holes.removesuffix(" %"))
    return [Holed(sample.picture, sample.mask) for sample in assign(folder, masks, ratio)]


def centred_box(height: int, width: int) -> Pixels:
    """A mask whose hole is half as high and half as wide as the picture, in its middle."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2] = 255
    return mask


def measure_holes(restore: Callable[[Pixels, Pixels], Pixels], samples: Iterable[Holed]) -> Score:
    """Means over pictures of a method that takes a picture and its mask."""
    return mean_score(score(restore(s.picture, s.mask), s.picture, s.mask) for s in samples)
