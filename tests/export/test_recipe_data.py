"""A checkpoint is enough: it holds the whole recipe, which is read back as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from torch import nn

from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.recipes import NAMES, load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.data import differences, recipe_from_data, recipe_to_data
from inpaint_export.training.checkpoint import load_checkpoint, save_checkpoint
from inpaint_export.training.loop import Trainer
from inpaint_export.training.resume import open_recipe
from inpaint_export.training.validation import PairValidationConfig


class _Named(nn.Module):
    """Of any keyword."""

    def __init__(self, model: nn.Module, **keywords: object) -> None:
        super().__init__()


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_goes_there_and_back(name: str) -> None:
    recipe = load_recipe(name)
    data = recipe_to_data(recipe)
    again = recipe_from_data(data)
    assert recipe_to_data(again) == data
    assert replace(again, build=recipe.build, objective=recipe.objective) == recipe
    assert type(again.build()) is type(recipe.build())


def test_what_has_no_import_path_is_refused() -> None:
    recipe = replace(load_recipe("photo"), build=lambda: CnnInpainter())
    with pytest.raises(ValueError, match=r"recipe\.build is .* which has no import path"):
        recipe_to_data(recipe)


def test_what_the_package_does_not_have_any_more_is_said() -> None:
    data = recipe_to_data(load_recipe("photo"))
    gone = {**data, "fields": {**data["fields"], "build": {"import": "inpaint_export.models:Gone"}}}
    with pytest.raises(ValueError, match=r"inpaint_export\.models:Gone is not in this version"):
        recipe_from_data(gone)
    card = {"class": "inpaint_export.recipes.base:CardConfig", "fields": {"colour": "red"}}
    with pytest.raises(ValueError, match="CardConfig has changed since"):
        recipe_from_data({**data, "fields": {**data["fields"], "card": card}})
    network = {**data["fields"]["build"], "keywords": {"colour": "red"}}
    with pytest.raises(ValueError, match=r"CnnInpainter has changed since .*'colour'"):
        recipe_from_data({**data, "fields": {**data["fields"], "build": network}})


def test_nothing_but_parts_of_recipes_is_called() -> None:
    data = recipe_to_data(load_recipe("photo"))
    evil = {"partial": "os:system", "args": ["true"], "keywords": {}}
    with pytest.raises(ValueError, match="os:system is no network"):
        recipe_from_data({**data, "fields": {**data["fields"], "build": evil}})


def test_defaults_are_part_of_a_recipe() -> None:
    """What a loss weighs may change in the sources; a run goes on as it was begun."""
    objective = recipe_to_data(load_recipe("damage"))["fields"]["objective"]
    assert objective["keywords"]["early"]["fields"]["entropy"] == 2.0
    for name in NAMES:
        build = recipe_to_data(load_recipe(name))["fields"]["build"]
        assert build["args"], f"{name} leaves its network's sizes to a default"


def test_a_field_that_was_added_since_has_its_default(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    trainer = Trainer(tiny_recipe, data_root, tmp_path, steps=1, workers=0)
    trainer.run()
    state = load_checkpoint(trainer.checkpoint)
    del state["recipe"]["fields"]["optim"]["fields"]["clip"]
    save_checkpoint(trainer.checkpoint, state)
    assert Trainer(open_recipe("photo", tmp_path), data_root, tmp_path, workers=0).step == 1


def test_differences_name_the_class() -> None:
    recipe = load_recipe("damage")
    other = replace(recipe, validation=PairValidationConfig("rice2"))
    found = differences(recipe_to_data(recipe), recipe_to_data(other))
    assert "validation.class: KindValidationConfig, not PairValidationConfig" in found


def test_differences_name_the_field() -> None:
    recipe = load_recipe("photo")
    other = replace(recipe, batch=2, optim=replace(recipe.optim, lr=1.0))
    found = differences(recipe_to_data(recipe), recipe_to_data(other))
    assert found == ["batch: 8, not 2", f"optim.lr: {recipe.optim.lr}, not 1.0"]


@pytest.mark.parametrize("name", ["fields", "class", "mapping", "import", "partial", "args"])
def test_keywords_may_be_named_as_the_data_is(name: str) -> None:
    recipe = load_recipe("photo")
    mine, other = (
        recipe_to_data(replace(recipe, objective=partial(_Named, **{name: value})))
        for value in ((1, 2), (1, 3))
    )
    assert recipe_to_data(recipe_from_data(mine)) == mine
    assert differences(mine, mine) == []
    assert differences(mine, other) == [f"objective.keywords.{name}: [1, 2], not [1, 3]"]


def test_a_run_is_resumed_by_its_own_recipe(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    """The network is not the one that the name's recipe builds today."""
    folder = tmp_path / "run"
    Trainer(tiny_recipe, data_root, folder, steps=2, workers=0).run()
    state = load_checkpoint(folder / "last.pt")
    assert state["seed"] == tiny_recipe.seed
    assert state["step"] == 2
    assert state["revision"]
    begun = open_recipe("photo", folder)
    assert recipe_to_data(begun) == recipe_to_data(tiny_recipe)
    assert Trainer(begun, data_root, folder, workers=0).step == 2


def test_a_run_of_another_recipe_is_not_gone_on_with(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    Trainer(tiny_recipe, data_root, tmp_path, steps=1, workers=0).run()
    wider = replace(tiny_recipe, build=partial(CnnInpainter, CnnConfig((16, 8, 8))))
    with pytest.raises(ValueError, match=r"another recipe \(build\.args.*--from"):
        Trainer(wider, data_root, tmp_path)
    with pytest.raises(ValueError, match="holds a run of 'photo', not 'clean'"):
        open_recipe("clean", tmp_path)
    with pytest.raises(ValueError, match="holds a run already"):
        open_recipe("photo", tmp_path, Path("photo.onnx"))
