"""``damage``: finds damage and tells its kinds apart, film's above all."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.film_damage import KINDS, FilmDamageDataConfig
from inpaint_export.models.kind_detector import KindDetector, KindDetectorConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, MORE_PHOTOGRAPHS
from inpaint_export.training.kind_detection import KindDetection
from inpaint_export.training.kind_validation import KindValidationConfig
from inpaint_export.training.optim import OptimConfig

RECIPE = Recipe(
    name="damage",
    family="cnn",
    task="detect",
    build=partial(KindDetector, KindDetectorConfig()),
    # A scene's own text is no damage, so that overlays are looked for only when asked for.
    objective=partial(
        KindDetection, joined=tuple(i for i, kind in enumerate(KINDS) if kind != "overlay")
    ),
    data=FilmDamageDataConfig(
        crop=192,
        # From pictures reduced to half, which are as sharp as scans of 800 lines, to the softness
        # of large scans, whose pixels are finer than what the film shows.
        scale=(0.5, 1.5),
        # What is marked in undamaged pictures is the larger error: there are more of those.
        families={"film": 0.42, "print": 0.22, "digital": 0.14, "none": 0.22},
        scene_text=0.2,
        # A brick wall's joints were scratches, and confetti dust: what repeats is the scene's.
        patterns=0.15,
        # Brick, hair, webs and lights were what undamaged pictures had marked in them.
        busy=0.4,
    ),
    validation=KindValidationConfig(folder="photos/val"),
    card=CardConfig(
        description=(
            "Finds damage in photographs and scans, by kind: scratches, specks, stains, overlays, "
            "sensor damage."
        ),
        licence=LICENCE,
        training_data=(
            f"{MORE_PHOTOGRAPHS} Under real film damage (FilmDamageSimulator, MIT), and drawn "
            "damage of prints, overlays and sensors."
        ),
    ),
    steps=10_000,
    storage="fp16",
    batch=8,
    outputs=("probability",),
    # A high rate held for long lets the matrices grow; see clean.
    optim=OptimConfig(lr=1e-3, weight_decay=2e-2, warmup=200, decay=0.95, ema=0.998),
)
