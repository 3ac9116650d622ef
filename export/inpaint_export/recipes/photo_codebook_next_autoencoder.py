"""First training of ``photo-codebook-next``: a codebook whose entries are sharp."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.models.cnn import PHOTO
from inpaint_export.models.codebook import AutoencoderConfig, CodebookAutoencoder
from inpaint_export.recipes.photo_codebook_autoencoder import RECIPE as AUTOENCODER
from inpaint_export.recipes.photo_staged_next import VALIDATION, WIDE_HOLES
from inpaint_export.recipes.sources import MORE_PHOTOGRAPHS
from inpaint_export.training.codebook import CodebookReconstruction, CodebookWeights
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromModel

FINE_AUTOENCODER = AutoencoderConfig(cnn=PHOTO)

WEIGHTS = CodebookWeights(rmse=0.5, l1=0.5, perceptual=0.05, whole=0.02, region=0.04)

RECIPE = replace(
    AUTOENCODER,
    name="photo-codebook-next-autoencoder",
    build=partial(CodebookAutoencoder, FINE_AUTOENCODER),
    objective=partial(
        CodebookReconstruction, weights=WEIGHTS, hidden=0.1, start=0.05, ramp=0.1, side=128
    ),
    data=WIDE_HOLES,
    validation=VALIDATION,
    card=replace(
        AUTOENCODER.card,
        training_data=f"Begun from `photo`. {MORE_PHOTOGRAPHS} Under synthetic masks.",
    ),
    optim=OptimConfig(lr=8e-4, warmup=200, decay=0.4),
    steps=8_000,
    batch=4,
    start=FromModel("photo", part="cnn"),
)
