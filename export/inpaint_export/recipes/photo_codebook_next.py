"""``photo-codebook-next``: the next generation of ``photo-codebook``, which is to look real.

Its third training, of the sharpening module. Bundled when it is nearer to the truth perceptually
than ``photo``, at little less PSNR.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.models.codebook import SharpenedInpainter, SharpenerConfig
from inpaint_export.recipes.photo_codebook_next_autoencoder import FINE_AUTOENCODER
from inpaint_export.recipes.photo_codebook_next_transformer import IN_ROUNDS, REALISM
from inpaint_export.recipes.photo_codebook_next_transformer import RECIPE as TRANSFORMER
from inpaint_export.training.codebook import Sharpening
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.start import FromRun

SHARPENER = SharpenerConfig(width=48)

RECIPE = replace(
    TRANSFORMER,
    name="photo-codebook-next",
    build=partial(SharpenedInpainter, FINE_AUTOENCODER, IN_ROUNDS, SHARPENER),
    objective=partial(Sharpening, **REALISM, energy=0.0),
    optim=OptimConfig(lr=8e-4, warmup=200, decay=0.4),
    steps=6_000,
    storage="fp16",
    seed=2,
    start=FromRun("photo-codebook-next-transformer", part="inpainter"),
)
