"""The peer of damage detectors: how far a pixel lies from the median around it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.detection import Counts
from inpaint_eval.film import FilmDamaged
from inpaint_eval.pictures import Pixels

SIZES = (3, 5, 7, 9)
SIGNS = ("any", "lighter", "darker")
PER_NOISE = (0.0, 2.0, 4.0, 8.0)
THRESHOLDS = (0, 3, 6, 9, 12, 16, 20, 26, 34, 44, 58, 76, 100)


@dataclass(frozen=True)
class MedianResidual:
    """Marks what differs from its median.

    size: of the median's window, in pixels. sign: what is marked, ``any``, ``lighter`` or
    ``darker``. threshold: of 255. per_noise: times the mean difference around, which is added to
    the threshold, so that grain is not marked.
    """

    size: int
    sign: str
    threshold: float
    per_noise: float

    def find(self, picture: Pixels) -> Pixels:
        """Where an RGB picture is marked: uint8 [H, W], 255 there."""
        over = _over_noise(*_residual(picture, self.size, self.sign), self.per_noise)
        return np.multiply(over >= self.threshold, 255, dtype=np.uint8)


def _residual(picture: Pixels, size: int, sign: str) -> tuple[NDArray[np.int16], Pixels]:
    """The residual, int16 [H, W], and its mean size around, uint8 [H, W]."""
    median = cv2.medianBlur(picture, size)
    lighter, darker = (
        planes.max(axis=2)
        for planes in (cv2.subtract(picture, median), cv2.subtract(median, picture))
    )
    either = np.maximum(lighter, darker)
    noise = np.asarray(cv2.blur(either, (25, 25)), np.uint8)
    return {"any": either, "lighter": lighter, "darker": darker}[sign].astype(np.int16), noise


def _over_noise(
    residual: NDArray[np.int16], noise: Pixels, per_noise: float
) -> NDArray[np.float32]:
    over: NDArray[np.float32] = residual - np.float32(per_noise) * noise
    return over


def tune(pictures: Sequence[FilmDamaged], most_marked: float = 1.0) -> MedianResidual:
    """The median residual of the best F1, with a pixel of tolerance, on damaged pictures.

    Stains do not count: they are larger than any window, and would pull the threshold down.

    most_marked: share of the undamaged pictures that it may mark.

    Raises:
        ValueError: none of those that are tried marks so little.
    """
    best: tuple[float, MedianResidual] | None = None
    for size, sign in itertools.product(SIZES, SIGNS):
        counts = {(k, t): Counts() for k in PER_NOISE for t in THRESHOLDS}
        wrong = dict.fromkeys(counts, 0)
        for item in pictures:
            truth = np.maximum.reduce([item.pieces[name] for name in ("dust", "hair", "scratch")])
            stains = np.where(truth > 0, np.uint8(0), item.pieces["stain"])
            ignored = np.maximum(item.ignored, stains)
            damaged = _residual(item.picture, size, sign)
            clean = _residual(item.clean, size, sign)
            for per_noise in PER_NOISE:
                over, over_clean = (_over_noise(*found, per_noise) for found in (damaged, clean))
                for threshold in THRESHOLDS:
                    marked = np.multiply(over >= threshold, 255, dtype=np.uint8)
                    counts[per_noise, threshold].add(marked, truth, ignored)
                    wrong[per_noise, threshold] += int(np.count_nonzero(over_clean >= threshold))
        pixels = sum(item.clean[..., 0].size for item in pictures)
        for (per_noise, threshold), count in counts.items():
            allowed = wrong[per_noise, threshold] <= most_marked * pixels
            if allowed and (best is None or count.f1_near > best[0]):
                best = count.f1_near, MedianResidual(size, sign, threshold, per_noise)
    if best is None:
        raise ValueError(f"no median residual marks at most {most_marked:.4%} of clean pictures")
    return best[1]
