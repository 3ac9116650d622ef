"""How well large holes are filled: what the families for them are measured by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.pictures import Ratio, assign, list_pictures, read_picture
from inpaint_eval.scores import Pixels, mean_score, score
from inpaint_export.errors import ExportError

HOLES = ("40-60 %", "box")
"""Irregular masks of these ratios, and a centred box of a quarter of the picture."""


@dataclass(frozen=True)
class Holed:
    """picture: uint8 BGR [H, W, 3]. mask: uint8 [H, W], nonzero in the hole."""

    picture: Pixels
    mask: Pixels


@dataclass(frozen=True)
class LargeHoleScore:
    """Means over pictures.

    psnr_hole: dB, in the hole. ssim: of the whole picture. gradient_ratio: see the function.
    """

    psnr_hole: float
    ssim: float
    gradient_ratio: float


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


def gradient_ratio(restored: Pixels, truth: Pixels, mask: Pixels) -> float:
    """Mean magnitude of the grey picture's gradient in the hole, over the true picture's there.

    1 is as sharp as the truth, less is blurred. Differences of neighbouring pixels, one of which
    lies outside of the hole, do not count.

    Raises:
        ExportError: there is no gradient to compare with: the hole is nowhere three pixels wide, or
            the picture is of one colour in it.
    """
    inside = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0
    true = float(_steepness(truth)[inside].sum())
    if true == 0.0:
        raise ExportError(
            "the picture has no gradient in the hole to compare with; leave it out of the "
            "measurement, or give it another mask"
        )
    return float(_steepness(restored)[inside].sum()) / true


def _steepness(picture: Pixels) -> np.ndarray:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    down = np.diff(grey, axis=0, append=grey[-1:])
    right = np.diff(grey, axis=1, append=grey[:, -1:])
    return np.hypot(down, right)


def measure_holes(
    restore: Callable[[Pixels, Pixels], Pixels], samples: Iterable[Holed]
) -> LargeHoleScore:
    """Measures a method that takes a picture and its mask."""
    scores, ratios = [], []
    for sample in samples:
        restored = restore(sample.picture, sample.mask)
        scores.append(score(restored, sample.picture, sample.mask))
        ratios.append(gradient_ratio(restored, sample.picture, sample.mask))
    mean = mean_score(scores)
    assert mean.psnr_hole is not None
    return LargeHoleScore(mean.psnr_hole, mean.ssim, float(np.mean(ratios)))
