"""``photo-codebook``: large holes in photographs, by a transformer over a codebook.

Its third training, of the sharpening module.
"""

from __future__ import annotations

from functools import partial

from inpaint_export.models.codebook import SharpenedInpainter, SharpenerConfig, TransformerConfig
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.photo_codebook_autoencoder import AUTOENCODER, CARD, DATA
from inpaint_export.training.codebook import Sharpening
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromRun
from inpaint_export.training.validation import HoleValidationConfig

RECIPE = Recipe(
    name="photo-codebook",
    family="transformer",
    task="inpaint",
    build=partial(SharpenedInpainter, AUTOENCODER, TransformerConfig(), SharpenerConfig()),
    objective=Sharpening,
    data=DATA,
    validation=HoleValidationConfig(folder="photos/val", masks={"large": 1.0}, every=500),
    card=CARD,
    optim=OptimConfig(warmup=100),
    steps=3_000,
    storage="fp16",
    seed=2,
    start=FromRun("photo-codebook-transformer", part="inpainter"),
)
