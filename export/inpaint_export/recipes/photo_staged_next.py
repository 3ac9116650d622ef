"""``photo-staged-next``: the next generation of ``photo-staged``, which is to look real.

Takes the place of ``photo-staged`` when it is nearer to the truth perceptually, at little less
PSNR. Its critics count from first to last, and its losses in the hole ask for no average.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import PHOTO
from inpaint_export.models.staged import StagedConfig, StagedInpainter
from inpaint_export.recipes.photo_staged import RECIPE as STAGED
from inpaint_export.recipes.sources import MORE_PHOTOGRAPHS
from inpaint_export.training.adversarial import AdversarialWeights, StagedAdversarial
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

WIDE_HOLES = PhotoDataConfig(
    folders=("photos/train", "photos/more"),
    crop=256,
    # Hardly enlarged: what is learned on soft pictures is soft.
    scale=(0.65, 1.25),
    masks={"wide": 0.6, "large": 0.4},
    ratios=(0.3, 0.7),
)

VALIDATION = HoleValidationConfig(
    folder="photos/val", masks={"wide": 1.0}, ratios=(0.4, 0.7), every=1000
)

# A perceptual loss lower by 0.18, a fifth, is worth 0.7 dB in the hole. After some steps of theirs
# the critics' slope on the picture is about that of the losses in the hole.
WEIGHTS = AdversarialWeights(rmse=0.5, l1=0.5, stages=0.1, perceptual=0.05, whole=0.02, region=0.04)

RECIPE = replace(
    STAGED,
    name="photo-staged-next",
    build=partial(StagedInpainter, StagedConfig(generator=PHOTO)),
    objective=partial(
        StagedAdversarial,
        early=WEIGHTS,
        late=WEIGHTS,
        switch=1.0,
        start=0.01,
        ramp=0.04,
        side=128,
    ),
    data=WIDE_HOLES,
    validation=VALIDATION,
    card=replace(
        STAGED.card,
        training_data=f"Begun from `photo-staged`. {MORE_PHOTOGRAPHS} Under synthetic masks.",
    ),
    steps=30_000,
    batch=4,
    start=FromModel("photo-staged", grown=True),
    optim=OptimConfig(lr=4e-4, warmup=300, decay=0.4),
)
