"""Quality of a restored picture against the true one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Score:
    """psnr_hole, psnr: dB, in the hole and over the whole picture. ssim: of the whole picture.

    psnr_hole is None where there was no mask.
    """

    psnr_hole: float | None
    psnr: float
    ssim: float


def score(restored: Pixels, truth: Pixels, mask: Pixels | None) -> Score:
    """Measures one picture.

    restored, truth: uint8 [H, W, 3]. mask: uint8 [H, W], nonzero in the hole, or None. SSIM is
    scikit-image's, with its defaults (7x7 windows) over colour channels.
    """
    from skimage.metrics import structural_similarity

    squared = np.square(restored.astype(np.float64) - truth.astype(np.float64))
    return Score(
        psnr_hole=None if mask is None else _psnr(float(squared[mask > 0].mean())),
        psnr=_psnr(float(squared.mean())),
        ssim=float(structural_similarity(restored, truth, channel_axis=2)),  # type: ignore[no-untyped-call]
    )


def mean_score(scores: Iterable[Score]) -> Score:
    """The mean of each figure; of the hole's only if every picture has it."""
    rows = list(scores)
    holes = [s.psnr_hole for s in rows if s.psnr_hole is not None]
    return Score(
        psnr_hole=float(np.mean(holes)) if len(holes) == len(rows) else None,
        psnr=float(np.mean([s.psnr for s in rows])),
        ssim=float(np.mean([s.ssim for s in rows])),
    )


def _psnr(squared_error: float) -> float:
    """PSNR of 8-bit pictures; an exact one counts as 100 dB, so that means stay finite."""
    if squared_error == 0.0:
        return 100.0
    return float(min(100.0, 10.0 * np.log10(255.0**2 / squared_error)))
