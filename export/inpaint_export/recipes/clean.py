"""``clean``: noise, blur and compression removed from photographs.

Its second training, on larger crops, closer to the photographs' own size, so that grain which
belongs to a picture is left in it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.data.distortions import DistortionDataConfig
from inpaint_export.recipes.clean_crops import RECIPE as FIRST
from inpaint_export.training.objective import PairRegression, PairWeights, strength
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromRun

MEAN_PSNR = PairWeights(log_mse=0.3, l1=3.0, auxiliary=0.1)

RECIPE = replace(
    FIRST,
    name="clean",
    objective=partial(PairRegression, auxiliary_target=strength, early=MEAN_PSNR, late=MEAN_PSNR),
    data=DistortionDataConfig(folders=("photos/train",), crop=192, scale=(0.6, 1.0)),
    batch=4,
    optim=OptimConfig(lr=2e-3, warmup=100),
    seed=1,
    start=FromRun(FIRST.name),
)
