"""``photo``: the default inpainting model, small enough for two CPU cores."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.photos import LargeCrops, PhotoDataConfig
from inpaint_export.models.cnn import PHOTO, CnnInpainter
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, MORE_PHOTOGRAPHS
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo",
    family="cnn",
    task="inpaint",
    build=partial(CnnInpainter, PHOTO),
    objective=partial(HoleRegression, switch=0.2),
    # Many large sources reduced. Enlarged, too: without soft pictures, what is out of focus was
    # filled worse than by the generation before, one of 24 pictures by 1.5 dB.
    data=PhotoDataConfig(
        folders=("photos/train", "photos/more"),
        crop=256,
        scale=(0.65, 1.6),
        masks={
            "irregular": 0.33,
            "wide": 0.14,
            "large": 0.08,
            "boxes": 0.08,
            "thin": 0.2,
            "scratches": 0.08,
            "text": 0.06,
            "specks": 0.03,
        },
        # With crops of 256 alone the widest holes of larger pictures were filled with bright spots:
        # under holes of 30 to 40 % 0.1 dB better than the generation before at 250 pixels, 0.5 dB
        # worse at 500, 1.1 at 640.
        large=LargeCrops(
            crop=512, scale=(1.35, 2.2), masks={"wide": 0.6, "large": 0.4}, every=6, batch=8
        ),
    ),
    validation=HoleValidationConfig(
        folder="photos/val", count=48, masks={"irregular": 0.4, "wide": 0.2, "thin": 0.4}
    ),
    card=CardConfig(
        description="General inpainting of photographs: scratches, text, strokes, moderate holes.",
        licence=LICENCE,
        training_data=f"{MORE_PHOTOGRAPHS} Under synthetic masks.",
    ),
    steps=40_000,
    optim=OptimConfig(lr=8e-4, warmup=200, decay=0.9),
)
