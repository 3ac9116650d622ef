"""``clean``: noise, blur and compression removed from photographs."""

from __future__ import annotations

from inpaint_export.data.distortions import DistortionDataConfig
from inpaint_export.models.crnn import Crnn
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.objective import PairRegression, strength
from inpaint_export.training.validation import DistortionValidationConfig

RECIPE = Recipe(
    name="clean",
    family="crnn",
    task="restore",
    build=Crnn,
    # The mean PSNR from the start: by the error's size, strong blur would be all that counts.
    objective=lambda model: PairRegression(model, strength, switch=0.02),
    data=DistortionDataConfig(folder="photos/train", crop=128),
    validation=DistortionValidationConfig(folder="photos/val"),
    card=CardConfig(
        description="Removes noise, blur and compression, and their mixtures; needs no mask.",
        licence=LICENCE,
        training_data=f"1263 photographs under synthetic distortions: {PHOTOGRAPHS}",
    ),
    steps=12_000,
    outputs=("output", "diagnosis"),
)
