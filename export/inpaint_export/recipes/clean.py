"""``clean``: noise, blur and compression removed from photographs.

Its second training, on large crops: recurrences that have only read short lines give other numbers
on long ones. After the first training alone a picture of 480 pixels a side was restored 1.1 to 2 dB
worse than its squares of 96.
"""

from __future__ import annotations

from dataclasses import replace

from inpaint_export.data.distortions import DistortionDataConfig
from inpaint_export.recipes.base import OptimConfig
from inpaint_export.recipes.clean_crops import RECIPE as FIRST
from inpaint_export.training.objective import PairRegression, PairWeights, strength
from inpaint_export.training.start import FromRun

MEAN_PSNR = PairWeights(log_mse=0.3, l1=3.0, side=0.1)

RECIPE = replace(
    FIRST,
    name="clean",
    objective=lambda model: PairRegression(model, strength, early=MEAN_PSNR, late=MEAN_PSNR),
    data=DistortionDataConfig(folder="photos/train", crop=224),
    batch=3,
    optim=OptimConfig(lr=2e-3, warmup=100),
    seed=1,
    start=FromRun(FIRST.name),
)
