"""``text-line``: reads a line of printed text."""

from __future__ import annotations

from functools import partial

from inpaint_export.data.text_lines import TextLinesDataConfig
from inpaint_export.models.text_line import TextLine, TextLineConfig
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.training.optim import OptimConfig
from inpaint_export.training.reading import LineReading, ReadingValidationConfig

RECIPE = Recipe(
    name="text-line",
    family="ctc",
    task="read",
    build=partial(TextLine, TextLineConfig()),
    objective=LineReading,
    data=TextLinesDataConfig(),
    validation=ReadingValidationConfig(),
    card=CardConfig(
        description="Reads a line of printed text: Latin letters, digits and punctuation (ASCII).",
        licence="Apache-2.0",
        training_data=(
            "Drawn lines of English and made-up words in 27 families of free fonts that Debian "
            "packages, blurred, noisy, compressed, faint and bent. No photograph."
        ),
    ),
    steps=10_000,
    batch=16,
    outputs=("log_probability",),
    optim=OptimConfig(lr=2e-3, weight_decay=1e-2, warmup=200, decay=0.5, ema=0.998),
)
