"""``photo-staged``: large holes in photographs, filled from their border inward."""

from __future__ import annotations

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.staged import StagedInpainter
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.training.adversarial import StagedAdversarial
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo-staged",
    family="lstm",
    task="inpaint",
    build=StagedInpainter,
    objective=StagedAdversarial,
    data=PhotoDataConfig(
        folder="photos/train",
        crop=256,
        masks={"large": 0.6, "irregular": 0.3, "boxes": 0.1},
    ),
    validation=HoleValidationConfig(folder="photos/val", masks={"large": 1.0}),
    card=CardConfig(
        description="Inpainting of large holes in photographs, in stages from the border inward.",
        licence="Apache-2.0 (weights); trained on research-only pictures, see training_data",
        training_data=(
            "1263 photographs under synthetic masks: 863 of a public ImageNet sample "
            "(non-commercial research) and 400 of BSDS500, train and test parts (research)."
        ),
    ),
    steps=12_000,
    outputs=("output", "stages"),
)
