"""``photo-next``: the next generation of ``photo``, for holes as thin and small as users' are.

Takes the place of ``photo`` when it is better at everything that ``photo`` is measured by.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.data.photos import LargeCrops, PhotoDataConfig
from inpaint_export.models.cnn import PHOTO_FINE, CnnInpainter
from inpaint_export.recipes.photo import RECIPE as PHOTO
from inpaint_export.recipes.sources import MORE_PHOTOGRAPHS
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = replace(
    PHOTO,
    name="photo-next",
    build=partial(CnnInpainter, PHOTO_FINE),
    # Many large sources reduced. Enlarged, too: without soft pictures, what is out of focus was
    # filled worse than by ``photo``, one of 24 pictures by 1.5 dB.
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
        # Without these, what was learned from crops of 256 was undone by pictures of 500 and more,
        # whose widest holes were filled with bright spots: 0.1 dB better than ``photo`` at 250
        # pixels under holes of 30 to 40 %, 0.5 dB worse at 500, 1.1 at 640.
        large=LargeCrops(
            crop=512, scale=(1.35, 2.2), masks={"wide": 0.6, "large": 0.4}, every=6, batch=8
        ),
    ),
    validation=HoleValidationConfig(
        folder="photos/val", count=48, masks={"irregular": 0.4, "wide": 0.2, "thin": 0.4}
    ),
    card=replace(PHOTO.card, training_data=f"{MORE_PHOTOGRAPHS} Under synthetic masks."),
    objective=partial(HoleRegression, switch=0.2),
    start=FromModel("photo", grown=True),
    steps=40_000,
    optim=OptimConfig(lr=8e-4, warmup=200, decay=0.9),
)
