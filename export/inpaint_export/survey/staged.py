"""The survey's table 4: large holes in one stage or several, with and without an LSTM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.models.staged import StagedConfig, StagedInpainter
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import Row, Table, TableOptions
from inpaint_export.survey.inpainting import NOTES, SIDE, inpainting_rows
from inpaint_export.survey.networks import (
    Variant,
    bundled_models,
    export_models,
    timing_note,
    train_variants,
)
from inpaint_export.training.adversarial import MILD, STRICT, StagedAdversarial

_ONE_STAGE = StagedConfig(depths=())
_GLOBAL = partial(
    StagedAdversarial, early=replace(STRICT, region=0.0), late=replace(MILD, region=0.0)
)

VARIANTS = (
    Variant(
        "one stage, global critic",
        "one-global",
        partial(StagedInpainter, _ONE_STAGE),
        _GLOBAL,
    ),
    Variant("one stage, both critics", "one-both", partial(StagedInpainter, _ONE_STAGE)),
    Variant(
        "stages without LSTM", "no-lstm", partial(StagedInpainter, StagedConfig(recurrent=False))
    ),
    Variant("stages joined by an LSTM", "lstm", StagedInpainter),
)


def _measure(options: TableOptions) -> list[Row]:
    recipe = load_recipe("photo-staged")
    models = train_variants(VARIANTS, recipe, options)
    files = export_models(models, recipe, options.runs) | bundled_models("photo", "photo-staged")
    return inpainting_rows(files, options)


def _notes(steps: int, threads: int) -> str:
    return (
        f"{NOTES} The variants had {steps} steps on the same items, all from `photo`'s weights; "
        "`photo` and `photo-staged` are the models that are shipped. "
        f"{timing_note(SIDE, threads)}"
    )


TABLE = Table(
    title="Table 4",
    measure=_measure,
    notes=_notes,
    published=(
        ("CE (context encoder)", 24.420, 0.8685),
        ("GLI (globally and locally consistent completion)", 26.567, 0.8831),
        ("staged GAN with LSTM", 27.384, 0.8996),
    ),
    published_on="data not named",
)
