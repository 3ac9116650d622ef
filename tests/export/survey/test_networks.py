"""Networks of all tables, as they are built."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn

from inpaint_export.models.declarations import declarations
from inpaint_export.survey import codebook, crnn, rice, staged
from inpaint_export.survey.comparators.spagan import SpaGan

VARIANTS = (
    *codebook.COMPARATORS,
    *rice.TRANSLATORS,
    *rice.INPAINTERS,
    *rice.VARIANTS,
    *staged.VARIANTS,
    *crnn.VARIANTS,
)

BUILDS: dict[str, Callable[[], nn.Module]] = {
    "SpA-GAN": SpaGan,
    **{variant.method: variant.build for variant in VARIANTS},
    **{
        f"codebook, {training.folder}": codebook.recipe_of(training).build
        for _, trainings in codebook.VARIANTS
        for training in trainings
    },
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_every_network_declares_what_its_model_file_says(build: Callable[[], nn.Module]) -> None:
    declarations(build())
