"""``cloud-thick``: thick clouds and their shadows removed from satellite pictures."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.pairs import PairDataConfig
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE
from inpaint_export.training.objective import PairRegression, change
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.validation import PairValidationConfig

RECIPE = Recipe(
    name="cloud-thick",
    family="sarnn",
    task="enhance",
    build=partial(Sarnn, SarnnConfig()),
    objective=partial(PairRegression, auxiliary_target=change),
    data=PairDataConfig(
        folder="rice2/train",
        clouds="thick",
        extra=("rice1/train/clear",),
        synthetic=0.15,
        transplanted=0.4,
        foreign=0.2,
    ),
    validation=PairValidationConfig(folder="rice2/train"),
    card=CardConfig(
        description="Removes thick clouds and shadows from satellite pictures; needs no mask.",
        licence=LICENCE,
        training_data=(
            "85 pairs of RICE2 (research); its clear pictures, and 74 of RICE1 (research), under "
            "these pairs' clouds and under synthetic ones."
        ),
    ),
    optim=OptimConfig(ema=0.998),
    steps=5_000,
    outputs=("output", "attention"),
    window=384,
)
