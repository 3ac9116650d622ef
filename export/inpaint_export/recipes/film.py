"""``film``: damage of film and old photographs undone where it is found."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.film_restoration import FilmRestorationDataConfig
from inpaint_export.models.film import FilmConfig, FilmRestorer
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.damage import RECIPE as DETECTOR
from inpaint_export.recipes.sources import LICENCE
from inpaint_export.training.film_restoration import FilmRestoration, FilmValidationConfig
from inpaint_export.training.start import FromModel

RECIPE = Recipe(
    name="film",
    family="sarnn",
    task="inpaint",
    build=partial(FilmRestorer, FilmConfig()),
    objective=FilmRestoration,
    data=FilmRestorationDataConfig(
        crop=192,
        scale=(0.5, 1.5),
        families={"film": 0.45, "print": 0.3, "digital": 0.2, "none": 0.05},
        scene_text=0.1,
    ),
    validation=FilmValidationConfig(folder="photos/val"),
    card=CardConfig(
        description=(
            "Undoes dust, scratches, hairs, stains and a sensor's faults by what shows through "
            "them, where they are found or marked."
        ),
        licence=LICENCE,
        training_data=DETECTOR.card.training_data,
    ),
    steps=12_000,
    storage="fp16",
    start=FromModel("photo", part="inpainter"),
    optim=DETECTOR.optim,
)
