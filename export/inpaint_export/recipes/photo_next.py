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
            # Without wide holes, the middle of such was filled with bright spots: 30-40 % of
            # pictures of 768 x 512 lost 0.4 dB, some 2.5.
            "irregular": 0.33,
            "wide": 0.14,
            "large": 0.08,
            "boxes": 0.08,
            "thin": 0.2,
            "scratches": 0.08,
            "text": 0.06,
            "specks": 0.03,
        },
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
