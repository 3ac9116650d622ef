"""``photo-next``: the next generation of ``photo``, for holes as thin and small as users' are.

Takes the place of ``photo`` when it is better at everything that ``photo`` is measured by.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import PHOTO_FINE, CnnInpainter
from inpaint_export.recipes.photo import RECIPE as PHOTO
from inpaint_export.recipes.sources import MORE_PHOTOGRAPHS
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = replace(
    PHOTO,
    name="photo-next",
    build=partial(CnnInpainter, PHOTO_FINE),
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
    card=replace(PHOTO.card, training_data=f"{MORE_PHOTOGRAPHS} Under synthetic masks."),
    start=FromModel("photo", grown=True),
    steps=120_000,
    optim=OptimConfig(decay=0.3),
)
