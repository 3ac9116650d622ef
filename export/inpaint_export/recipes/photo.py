"""``photo``: the default inpainting model, small enough for two CPU cores."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import PHOTO, CnnInpainter
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo",
    family="cnn",
    task="inpaint",
    build=partial(CnnInpainter, PHOTO),
    objective=HoleRegression,
    data=PhotoDataConfig(folders=("photos/train",), crop=256),
    validation=HoleValidationConfig(folder="photos/val"),
    card=CardConfig(
        description="General inpainting of photographs: scratches, text, strokes, moderate holes.",
        licence=LICENCE,
        training_data=f"1263 photographs under synthetic masks: {PHOTOGRAPHS}",
    ),
    steps=26_500,
)
