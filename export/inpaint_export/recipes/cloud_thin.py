"""``cloud-thin``: thin clouds removed from satellite pictures."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.pairs import PairDataConfig
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.objective import PairRegression, change
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.validation import PairValidationConfig

RECIPE = Recipe(
    name="cloud-thin",
    family="sarnn",
    task="enhance",
    build=partial(Sarnn, SarnnConfig()),
    objective=partial(PairRegression, auxiliary_target=change),
    data=PairDataConfig(
        folder="rice1/train",
        clouds="thin",
        extra=("rice2/train/clear", "photos/train"),
        foreign=0.35,
    ),
    validation=PairValidationConfig(folder="rice1/train"),
    card=CardConfig(
        description="Removes thin clouds and haze from satellite pictures; needs no mask.",
        licence=LICENCE,
        training_data=(
            "64 pairs of RICE1 (research) and, under synthetic clouds, their clear pictures, 98 "
            "clear pictures of RICE2 (research) and 1263 photographs: " + PHOTOGRAPHS
        ),
    ),
    optim=OptimConfig(ema=0.998),
    steps=4_500,
    outputs=("output", "attention"),
    window=384,
)
