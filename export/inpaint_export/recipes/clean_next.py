"""``clean-next``: the next generation of ``clean``, for the noise that cameras give.

Takes the place of ``clean`` when it is better at everything that ``clean`` is measured by.
"""

from __future__ import annotations

from functools import partial

from inpaint_export.data.noisy_photos import NoisyPhotoDataConfig
from inpaint_export.models.crnn import CLEAN_NEXT, Crnn
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, REDUCED_PHOTOGRAPHS
from inpaint_export.training.cleaning import Cleaning
from inpaint_export.training.noise_validation import NoiseValidationConfig
from inpaint_export.training.optim import OptimConfig

RECIPE = Recipe(
    name="clean-next",
    family="crnn",
    task="enhance",
    build=partial(Crnn, CLEAN_NEXT),
    # Begun with weights that tell noisy pictures from clean ones (export/warm_starts): from new
    # ones the mean PSNR would have to wait.
    objective=partial(Cleaning, switch=0.1),
    # Large sources reduced, and reduced again: a small JPEG's own noise would be learned as truth.
    data=NoisyPhotoDataConfig(folders=("photos/more",), crop=128),
    validation=NoiseValidationConfig(folder="photos/val"),
    card=CardConfig(
        description=(
            "Removes the noise of cameras, blur and compression, and their mixtures; needs no mask."
        ),
        licence=LICENCE,
        training_data=(
            f"{REDUCED_PHOTOGRAPHS} Reduced, and taken through the model of a camera, synthetic "
            "noise, blur and compression."
        ),
    ),
    steps=100_000,
    batch=8,
    outputs=("output", "degradation"),
    # At a constant 2e-3 with hardly any decay the matrices grew to four times orthogonal ones in
    # 7000 steps, and the averaged weights fell behind the last ones.
    optim=OptimConfig(lr=1e-3, weight_decay=2e-2, warmup=200, decay=0.95, ema=0.998),
)
