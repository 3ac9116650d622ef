"""``photo-staged``: large holes in photographs, filled from their border inward."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.staged import StagedConfig, StagedInpainter
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.adversarial import StagedAdversarial
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo-staged",
    family="lstm",
    task="inpaint",
    build=partial(StagedInpainter, StagedConfig()),
    objective=StagedAdversarial,
    data=PhotoDataConfig(
        folders=("photos/train",),
        crop=256,
        masks={"large": 0.6, "irregular": 0.3, "boxes": 0.1},
    ),
    validation=HoleValidationConfig(folder="photos/val", masks={"large": 1.0}),
    card=CardConfig(
        description="Inpainting of large holes in photographs, in stages from the border inward.",
        licence=LICENCE,
        training_data=(
            f"Begun from `photo`; 1263 photographs under synthetic masks: {PHOTOGRAPHS}"
        ),
    ),
    steps=7_000,
    start=FromModel("photo", part="generator", shrunk=True),
    optim=OptimConfig(lr=6e-4, warmup=200),
    outputs=("output", "stages"),
)
