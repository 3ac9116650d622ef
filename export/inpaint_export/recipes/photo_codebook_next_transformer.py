"""Second training of ``photo-codebook-next``: the transformer, in rounds, the surest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from inpaint_export.models.codebook import CodebookInpainter, TransformerConfig
from inpaint_export.recipes.photo_codebook_next_autoencoder import FINE_AUTOENCODER, WEIGHTS
from inpaint_export.recipes.photo_codebook_next_autoencoder import RECIPE as AUTOENCODER
from inpaint_export.training.codebook import CodePrediction
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromRun

IN_ROUNDS = TransformerConfig(rounds=2)

REALISM: Mapping[str, Any] = {
    "early": WEIGHTS,
    "late": WEIGHTS,
    "switch": 1.0,
    "start": 0.02,
    "ramp": 0.1,
    "side": 128,
}
"""Of this training and the next: one stage, and critics nearly from the first step on."""

RECIPE = replace(
    AUTOENCODER,
    name="photo-codebook-next-transformer",
    build=partial(CodebookInpainter, FINE_AUTOENCODER, IN_ROUNDS),
    objective=partial(CodePrediction, **REALISM, code=0.1, smoothing=0.1),
    optim=OptimConfig(lr=8e-4, warmup=300, decay=0.4),
    steps=25_000,
    seed=1,
    start=FromRun("photo-codebook-next-autoencoder", part="autoencoder"),
)
