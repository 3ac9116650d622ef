"""``damage``: finds scratches, text, stains and other damage in photographs."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.damage import DamageDataConfig
from inpaint_export.models.detector import Detector, DetectorConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.objective import MaskDetection
from inpaint_export.training.validation import DamageValidationConfig

RECIPE = Recipe(
    name="damage",
    family="cnn",
    task="detect",
    build=partial(Detector, DetectorConfig()),
    objective=MaskDetection,
    data=DamageDataConfig(folders=("photos/train",)),
    validation=DamageValidationConfig(folder="photos/val"),
    card=CardConfig(
        description="Finds damage in photographs: scratches, text, stains, dust, torn corners.",
        licence=LICENCE,
        training_data=f"1263 photographs under synthetic damage: {PHOTOGRAPHS}",
    ),
    steps=78_000,
    batch=4,
    outputs=("probability",),
    storage="fp16",
)
