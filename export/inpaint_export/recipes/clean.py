"""``clean``: noise, blur and compression removed from photographs."""

from __future__ import annotations

from inpaint_export.data.distortions import DistortionDataConfig
from inpaint_export.models.crnn import Crnn
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.training.objective import PairRegression, strength
from inpaint_export.training.validation import DistortionValidationConfig

RECIPE = Recipe(
    name="clean",
    family="crnn",
    task="restore",
    build=Crnn,
    objective=lambda model: PairRegression(model, strength),
    data=DistortionDataConfig(folder="photos/train"),
    validation=DistortionValidationConfig(folder="photos/val"),
    card=CardConfig(
        description="Removes noise, blur and compression, and their mixtures; needs no mask.",
        licence="Apache-2.0 (weights); trained on research-only pictures, see training_data",
        training_data=(
            "1263 photographs under synthetic distortions: 863 of a public ImageNet sample "
            "(non-commercial research) and 400 of BSDS500, train and test parts (research)."
        ),
    ),
    steps=20_000,
    outputs=("output", "diagnosis"),
)
