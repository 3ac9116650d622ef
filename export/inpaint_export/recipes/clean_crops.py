"""First training of ``clean``, on small crops."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.distortions import DistortionDataConfig
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.recipes.sources import LICENCE, PHOTOGRAPHS
from inpaint_export.training.objective import PairRegression, PairWeights, strength
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.validation import DistortionValidationConfig

RECIPE = Recipe(
    name="clean-crops",
    family="crnn",
    task="enhance",
    build=partial(Crnn, CrnnConfig()),
    # By the squared error's size, strong blur would be all that counts.
    objective=partial(
        PairRegression,
        auxiliary_target=strength,
        early=PairWeights(l1=10.0, auxiliary=0.02),
        late=PairWeights(log_mse=0.3, l1=3.0, auxiliary=0.02),
        switch=0.6,
    ),
    # Small crops, and more of them: as many pixels teach more if they are of more pictures.
    data=DistortionDataConfig(folders=("photos/train",), crop=96),
    batch=16,
    optim=OptimConfig(lr=3e-3, warmup=200),
    validation=DistortionValidationConfig(folder="photos/val"),
    card=CardConfig(
        description="Removes noise, blur and compression, and their mixtures; needs no mask.",
        licence=LICENCE,
        training_data=f"1263 photographs under synthetic distortions: {PHOTOGRAPHS}",
    ),
    steps=12_000,
    outputs=("output", "degradation"),
)
