"""Which recipe a training goes by: its checkpoint's where there is one, else the package's."""

from __future__ import annotations

import logging
from pathlib import Path

from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.data import differences, recipe_from_data, recipe_to_data
from inpaint_export.training.checkpoint import FILE_NAME, load_checkpoint

logger = logging.getLogger(__name__)


def open_recipe(name: str, folder: Path, source: Path | None = None) -> Recipe:
    """The recipe to train by in a folder.

    source: of first weights, which only a new run can take.

    Raises:
        ValueError: there is no such recipe; the folder holds a run of another, or of one that this
            version of the package cannot read; or a run that is resumed is given first weights.
    """
    recipe = load_recipe(name)
    checkpoint = folder / FILE_NAME
    if not checkpoint.is_file():
        return recipe
    if source is not None:
        raise ValueError(
            f"{folder} holds a run already, which goes on from its own weights; give another folder"
        )
    state = load_checkpoint(checkpoint)
    begun = recipe_from_data(state["recipe"])
    if begun.name != name:
        raise ValueError(
            f"{checkpoint} holds a run of {begun.name!r}, not {name!r}; give another folder"
        )
    for difference in differences(recipe_to_data(begun), recipe_to_data(recipe)):
        logger.info("goes on as it was begun; %s as in today's recipe", difference)
    return begun
