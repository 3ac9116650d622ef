"""Scores of a restored picture against the true one: PSNR, SSIM, gradient magnitude similarity.

Gradient magnitude similarity is that of Xue, Zhang, Mou, Bovik: "Gradient Magnitude Similarity
Deviation: A Highly Efficient Perceptual Image Quality Index", IEEE Transactions on Image Processing
23(2), 2014. Luminance is halved by averaging 2x2 pixels; gradients are Prewitt's; at each pixel

    GMS = (2 * m1 * m2 + c) / (m1^2 + m2^2 + c),    c = 170 for values from 0 to 255

and GMSD is its standard deviation over the picture: 0 for the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.record import Record

Pixels = NDArray[np.uint8]

Distance = Callable[[Pixels, Pixels], float]
"""Of a restored picture to the true one, like :class:`inpaint_eval.perceptual.PerceptualDistance`.
"""

GMS_C = 170.0

_PREWITT = np.array([[1, 0, -1]] * 3, np.float64) / 3


@dataclass(frozen=True)
class Score(Record):
    """Scores of one picture, or their mean over pictures; the hole's are None without a mask.

    psnr_hole, psnr: dB, in the hole and over the whole picture. ssim_hole, ssim: structural
    similarity, up to 1. gmsd: gradient magnitude similarity deviation of the whole picture, 0 for
    the same picture, and more is worse; gms_hole: mean gradient magnitude similarity in the hole,
    up to 1. gradient_hole: see :func:`gradient_ratio`; None too where the hole has no gradient.
    perceptual: distance of the whole picture, 0 for the same one; None where it was not measured.
    """

    psnr_hole: float | None
    psnr: float
    ssim_hole: float | None
    ssim: float
    gmsd: float
    gms_hole: float | None
    gradient_hole: float | None = None
    perceptual: float | None = None


def score(
    restored: Pixels, truth: Pixels, mask: Pixels | None, perceptual: Distance | None = None
) -> Score:
    """Measures one picture.

    restored, truth: uint8 [H, W, 3], BGR. mask: uint8 [H, W], nonzero in the hole, or None. SSIM is
    scikit-image's, with its defaults (7x7 windows) over colour channels; in the hole it is the mean
    of its map there.
    """
    from skimage.metrics import structural_similarity

    squared = np.square(restored.astype(np.float64) - truth.astype(np.float64))
    ssim, ssim_map = structural_similarity(  # type: ignore[no-untyped-call]
        restored, truth, channel_axis=2, full=True
    )
    gms = gradient_similarity(restored, truth)
    hole = None if mask is None else mask > 0
    return Score(
        psnr_hole=None if hole is None else psnr_of(float(squared[hole].mean())),
        psnr=psnr_of(float(squared.mean())),
        ssim_hole=None if hole is None else float(ssim_map[hole].mean()),
        ssim=float(ssim),
        gmsd=float(gms.std()),
        gms_hole=None if hole is None else float(gms[downsampled_hole(hole)].mean()),
        gradient_hole=None if mask is None else gradient_ratio(restored, truth, mask),
        perceptual=None if perceptual is None else perceptual(restored, truth),
    )


def mean_score(scores: Iterable[Score]) -> Score:
    """The mean of each score; of the hole's only if every picture has it."""
    rows = list(scores)
    means: dict[str, float | None] = {}
    for field in fields(Score):
        values = [getattr(row, field.name) for row in rows]
        means[field.name] = None if None in values else float(np.mean(values))
    return Score(**means)  # type: ignore[arg-type]  # psnr, ssim and gmsd are never None


def psnr_of(squared_error: float) -> float:
    """PSNR in dB of a mean squared error of 8-bit values, at most 100, so that means are finite."""
    if squared_error == 0.0:
        return 100.0
    return float(min(100.0, 10.0 * np.log10(255.0**2 / squared_error)))


def gradient_similarity(restored: Pixels, truth: Pixels) -> NDArray[np.float64]:
    """GMS map of two pictures uint8 BGR [H, W, 3], at half their size."""
    mine, theirs = (_gradient_magnitude(_halved(picture)) for picture in (restored, truth))
    gms: NDArray[np.float64] = (2 * mine * theirs + GMS_C) / (mine**2 + theirs**2 + GMS_C)
    return gms


def downsampled_hole(hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the GMS map that are made of at least one pixel of the hole, bool [H, W]."""
    halved: NDArray[np.bool_] = _pooled(hole.astype(np.float64)) > 0
    return halved


def gradient_ratio(restored: Pixels, truth: Pixels, mask: Pixels) -> float | None:
    """Mean magnitude of the grey picture's gradient in the hole, over the true picture's there.

    1 is as sharp as the truth, less is blurred. Differences of neighbouring pixels, one of which
    lies outside of the hole, do not count. None if there is nothing to compare with: the hole is
    nowhere three pixels wide, or the true picture is of one colour in it.
    """
    inside = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0
    true = float(_steepness(truth)[inside].sum())
    return float(_steepness(restored)[inside].sum()) / true if true else None


def _steepness(picture: Pixels) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    down = np.diff(grey, axis=0, append=grey[-1:])
    right = np.diff(grey, axis=1, append=grey[:, -1:])
    steepness: NDArray[np.float32] = np.hypot(down, right)
    return steepness


def _halved(picture: Pixels) -> NDArray[np.float64]:
    grey = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_BGR2GRAY)
    return _pooled(grey.astype(np.float64))


def _pooled(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2x2 pixels; an odd last row or column counts twice."""
    height, width = plane.shape
    plane = np.pad(plane, ((0, height % 2), (0, width % 2)), "edge")
    blocks = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2)
    pooled: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return pooled


def _gradient_magnitude(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    along, across = (
        cv2.filter2D(plane, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
        for kernel in (_PREWITT, _PREWITT.T)
    )
    magnitude: NDArray[np.float64] = np.hypot(along, across)
    return magnitude
