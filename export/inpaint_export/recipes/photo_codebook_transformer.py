"""Second training of ``photo-codebook``: the transformer, under random masks."""

from __future__ import annotations

from functools import partial

from inpaint_export.models.codebook import CodebookInpainter, TransformerConfig
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.photo_codebook_autoencoder import AUTOENCODER, CARD, DATA
from inpaint_export.training.codebook import CodePrediction
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromRun
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo-codebook-transformer",
    family="transformer",
    task="inpaint",
    build=partial(CodebookInpainter, AUTOENCODER, TransformerConfig()),
    objective=CodePrediction,
    data=DATA,
    validation=HoleValidationConfig(folder="photos/val", masks={"large": 1.0}, every=500),
    card=CARD,
    optim=OptimConfig(warmup=200),
    steps=8_000,
    seed=1,
    start=FromRun("photo-codebook-autoencoder", part="autoencoder"),
)
