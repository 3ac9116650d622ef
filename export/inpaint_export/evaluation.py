"""Measures a model file as it will be used: through the SDK."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from inpaint_bench.candidates import SdkModel
from inpaint_bench.data import Ratio, assign
from inpaint_bench.quality import mean_score, score
from inpaint_sdk import Quality


def evaluate(model_file: Path, pictures: Path, masks: Path, ratio: Ratio, threads: int) -> Quality:
    """Mean quality over a folder of pictures under masks of one hole ratio, rounded for print.

    The assignment of masks to pictures is :func:`inpaint_bench.data.assign`'s.
    """
    model = SdkModel(model_file, threads)
    samples = tqdm(assign(pictures, masks, ratio), desc=f"{model.name}, {ratio}", unit="picture")
    scores = [score(model.restore(s.picture, s.mask), s.picture, s.mask) for s in samples]
    mean = mean_score(scores)
    return Quality(
        data=pictures.name,
        masks=f"{masks.name} {ratio}",
        pictures=len(scores),
        psnr_hole=round(mean.psnr_hole, 3),
        psnr=round(mean.psnr, 3),
        ssim=round(mean.ssim, 5),
    )
