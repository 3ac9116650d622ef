"""``photo``: the default inpainting model, small enough for two CPU cores."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import PHOTO, CnnInpainter
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, MORE_PHOTOGRAPHS
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo",
    family="cnn",
    task="inpaint",
    build=partial(CnnInpainter, PHOTO),
    objective=HoleRegression,
    # Many large sources reduced, and hardly enlarged: what is learned on soft pictures is soft.
    data=PhotoDataConfig(
        folders=("photos/train", "photos/more"),
        crop=256,
        scale=(0.65, 1.25),
        masks={
            "irregular": 0.36,
            "thin": 0.3,
            "scratches": 0.1,
            "text": 0.1,
            "boxes": 0.08,
            "specks": 0.06,
        },
    ),
    validation=HoleValidationConfig(
        folder="photos/val", count=48, masks={"irregular": 0.5, "thin": 0.5}
    ),
    card=CardConfig(
        description="General inpainting of photographs: scratches, text, strokes, moderate holes.",
        licence=LICENCE,
        training_data=f"{MORE_PHOTOGRAPHS} Under synthetic masks.",
    ),
    start=FromModel("photo"),
    steps=120_000,
    optim=OptimConfig(decay=0.3),
)
