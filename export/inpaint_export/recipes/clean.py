"""``clean``: the noise of cameras, blur and compression removed from photographs."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.noisy_photos import NoisyPhotoDataConfig
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, REDUCED_PHOTOGRAPHS
from inpaint_export.training.cleaning import Cleaning
from inpaint_export.training.noise_validation import NoiseValidationConfig
from inpaint_export.training.optim import OptimConfig

RECIPE = Recipe(
    name="clean",
    family="crnn",
    task="enhance",
    # Less at half of the resolution, where most arithmetic was, and more at a quarter.
    build=partial(
        Crnn,
        CrnnConfig(
            widths=(32, 64, 112),
            encoder_blocks=(1, 3, 3),
            decoder_blocks=(3, 1),
            shallow=None,
            padding="zeros",
            bytes_per_pixel=170,
        ),
    ),
    # Begun with the bundled weights, which tell already what is to be left alone; from nothing,
    # the absolute error has to come first.
    objective=partial(Cleaning, switch=0.0),
    # Large sources reduced, and reduced again: a small JPEG's own noise would be learned as truth.
    data=NoisyPhotoDataConfig(
        folders=("photos/more",),
        crop=128,
        # With mixtures in one crop of seven, removing blur was unlearned.
        families={
            "camera": 0.36,
            "white": 0.16,
            "codec": 0.1,
            "mixture": 0.26,
            "clean": 0.06,
            "grain": 0.06,
        },
    ),
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
