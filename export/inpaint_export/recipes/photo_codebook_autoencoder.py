"""First training of ``photo-codebook``: the codebook, and a decoder that uses it."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import COARSE
from inpaint_export.models.codebook import AutoencoderConfig, CodebookAutoencoder
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.codebook import CodebookReconstruction
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig

AUTOENCODER = AutoencoderConfig(cnn=COARSE)

DATA = PhotoDataConfig(
    folders=("photos/train",),
    crop=256,
    masks={"large": 0.5, "irregular": 0.35, "boxes": 0.15},
)

CARD = CardConfig(
    description="Inpainting of large holes in photographs, by a transformer over a codebook.",
    licence=LICENCE,
    training_data=(f"Begun from `photo`; 1263 photographs under synthetic masks: {PHOTOGRAPHS}"),
)

RECIPE = Recipe(
    name="photo-codebook-autoencoder",
    family="transformer",
    task="inpaint",
    build=partial(CodebookAutoencoder, AUTOENCODER),
    objective=CodebookReconstruction,
    data=DATA,
    validation=HoleValidationConfig(folder="photos/val", masks={"large": 1.0}, every=500),
    card=CARD,
    optim=OptimConfig(warmup=100),
    steps=1_000,
    start=FromModel("photo", part="cnn", shrunk=True),
)
