"""The figures of one picture, and their mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.quality.gradients import deviation, downsampled_hole, similarity_map
from inpaint_bench.schema.quality import Score

Pixels = NDArray[np.uint8]


def score(restored: Pixels, truth: Pixels, mask: Pixels | None) -> Score:
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
    gradients = similarity_map(restored, truth)
    hole = None if mask is None else mask > 0
    return Score(
        psnr_hole=None if hole is None else _psnr(float(squared[hole].mean())),
        psnr=_psnr(float(squared.mean())),
        ssim_hole=None if hole is None else float(ssim_map[hole].mean()),
        ssim=float(ssim),
        gmsd=deviation(gradients),
        gms_hole=None if hole is None else float(gradients[downsampled_hole(hole)].mean()),
    )


def mean_score(scores: Iterable[Score]) -> Score:
    """The mean of each figure; of the hole's only if every picture has it."""
    rows = [s.model_dump() for s in scores]
    means: dict[str, Any] = {}
    for name in Score.model_fields:
        values = [row[name] for row in rows]
        means[name] = None if None in values else float(np.mean(values))
    return Score(**means)


def _psnr(squared_error: float) -> float:
    """PSNR of 8-bit pictures; an exact one counts as 100 dB, so that means stay finite."""
    if squared_error == 0.0:
        return 100.0
    return float(min(100.0, 10.0 * np.log10(255.0**2 / squared_error)))
