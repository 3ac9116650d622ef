"""What all comparators have in common: their cost, a training that helps, a model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from inpaint_export.models.cnn import COARSE, CnnInpainter
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.data import differences, recipe_from_data, recipe_to_data
from inpaint_export.survey import codebook, crnn, rice, staged
from inpaint_export.survey.comparators.attention_masked import AttentionMasked
from inpaint_export.survey.comparators.context_encoder import ContextEncoder
from inpaint_export.survey.comparators.cyclegan import CycleConsistency, CycleGan
from inpaint_export.survey.comparators.deblur_gan import DeblurGan
from inpaint_export.survey.comparators.gli import CompletionNetwork
from inpaint_export.survey.comparators.gmcnn import MultiColumn
from inpaint_export.survey.comparators.lgnet import LgNet
from inpaint_export.survey.comparators.pix2pix import Pix2Pix
from inpaint_export.survey.comparators.plain_gan import PlainGenerator
from inpaint_export.survey.comparators.rfr import RfrNetwork
from inpaint_export.survey.comparators.sc_fegan import GatedUNet
from inpaint_export.survey.comparators.spagan import HalfSpaGan
from inpaint_export.survey.comparators.toolchain import Toolchain
from inpaint_export.survey.networks import FROM_NOTHING, Comparator
from inpaint_export.training.objective import Batch
from inpaint_export.training.optim import MuonAdamW
from inpaint_sdk import Restorer
from support.flops import count_multiply_adds

FIVE = (8, 8, 8, 8, 8)

SMALL: dict[str, Callable[[], nn.Module]] = {
    "rfr": partial(RfrNetwork, 8, 8, 2),
    "gan": partial(PlainGenerator, (8, 8, 8), 1),
    "lgnet": partial(LgNet, FIVE, 4, 1),
    "context-encoder": partial(ContextEncoder, FIVE),
    "gli": partial(CompletionNetwork, 4, (2,)),
    "pix2pix": partial(Pix2Pix, FIVE),
    "cyclegan": partial(CycleGan, 4, 1),
    "spagan": partial(HalfSpaGan, 4),
    "sc-fegan": lambda: AttentionMasked(GatedUNet((8, 8, 8, 8))),
    "gmcnn": lambda: AttentionMasked(MultiColumn(4)),
    "toolchain": partial(Toolchain, 8, 2),
    "deblur-gan": partial(DeblurGan, 4, 1),
}
"""Shrunken networks, by the folder of their trainings."""

RECIPES = {
    variant: load_recipe(name)
    for variants, name in (
        (codebook.COMPARATORS, "photo-codebook"),
        (staged.VARIANTS, "photo-staged"),
        ((*rice.TRANSLATORS, *rice.INPAINTERS), "cloud-thick"),
        (crnn.VARIANTS, "clean"),
    )
    for variant in variants
    if isinstance(variant, Comparator) and variant.folder != "cnn"
}
"""Comparators, and the recipes of their tables."""

each = pytest.mark.parametrize("comparator", RECIPES, ids=lambda c: c.folder)


def small_recipe(comparator: Comparator) -> Recipe:
    objective = comparator.objective
    if objective is CycleConsistency:
        objective = partial(CycleConsistency, back=SMALL["cyclegan"]())
    small = replace(comparator, build=SMALL[comparator.folder], objective=objective)
    return small.recipe(RECIPES[comparator])


@each
def test_a_checkpoint_can_hold_it_and_is_resumed(comparator: Comparator) -> None:
    recipe = comparator.recipe(RECIPES[comparator])
    data = recipe_to_data(recipe)
    assert differences(data, recipe_to_data(recipe_from_data(data))) == []


@each
def test_they_cost_about_the_same(comparator: Comparator) -> None:
    model = comparator.build()
    if isinstance(model, AttentionMasked):  # what finds the mask comes on top
        model = model.inpainter
    task = RECIPES[comparator].task
    image, mask = torch.rand(1, 3, 256, 256), torch.zeros(1, 1, 256, 256)
    masked = task == "inpaint" or isinstance(model, GatedUNet | MultiColumn)
    inputs = (image, mask) if masked else (image,)
    own = count_multiply_adds(CnnInpainter(COARSE), image, mask)
    assert 0.6 < count_multiply_adds(model, *inputs) / own < 1.2


@each
def test_training_lowers_its_losses(comparator: Comparator, batch: Batch) -> None:
    torch.manual_seed(0)
    recipe = small_recipe(comparator)
    if recipe.task == "inpaint":
        batch = {"image": batch["clear"], "mask": batch["mask"]}
    objective = recipe.objective(recipe.build()).train()
    modules = objective.trained_modules()
    config = replace(FROM_NOTHING, lr=4e-3)
    optimizers = {name: MuonAdamW(module, config) for name, module in modules.items()}
    reports = []
    for _ in range(12):
        for name, loss in objective.losses(batch):
            optimizers[name].step(loss.backward, 1.0)
        reports.append(objective.report())
    figure = next(name for name in ("supervised", "cycle") if name in reports[0])
    assert reports[-1][figure] < 0.9 * reports[0][figure]


@pytest.mark.slow
@each
def test_its_model_file_restores_through_the_sdk(comparator: Comparator, tmp_path: Path) -> None:
    torch.manual_seed(0)
    recipe = small_recipe(comparator)
    path = tmp_path / "comparator.onnx"
    export_model(recipe.build(), recipe, path)
    picture = torch.randint(0, 256, (90, 70, 3), dtype=torch.uint8).numpy()
    mask = (picture[..., 0] > 200).astype("uint8")
    inputs = (picture, mask) if recipe.task == "inpaint" else (picture,)
    restored = Restorer.load(path, threads=1).restore(*inputs)
    assert restored.shape == picture.shape
