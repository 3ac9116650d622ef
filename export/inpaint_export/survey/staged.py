"""The survey's table 4: large holes in one stage or several, with and without an LSTM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.models.staged import StagedConfig, StagedInpainter
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import Published, Row, Table, TableOptions
from inpaint_export.survey.comparators.context_encoder import ContextEncoder, ContextEncoding
from inpaint_export.survey.comparators.gli import Completion, CompletionNetwork
from inpaint_export.survey.inpainting import CNN_ANEW, NOTES, SIDE, inpainting_rows
from inpaint_export.survey.networks import (
    Comparator,
    Variant,
    bundled_models,
    timing_note,
    train_variants,
)
from inpaint_export.training.adversarial import MILD, STRICT, StagedAdversarial

_ONE_STAGE = StagedConfig(depths=())
_GLOBAL = partial(
    StagedAdversarial, early=replace(STRICT, region=0.0), late=replace(MILD, region=0.0)
)

VARIANTS = (
    Comparator("CE", "context-encoder", ContextEncoder, ContextEncoding),
    Comparator("GLI", "gli", CompletionNetwork, Completion),
    CNN_ANEW,
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
    files = train_variants(VARIANTS, load_recipe("photo-staged"), options)
    if options.only is None:
        files |= bundled_models("photo", "photo-staged")
    return inpainting_rows(files, options)


def _notes(steps: int, threads: int) -> str:
    return (
        f"{NOTES} All had {steps} steps on the same items; CE, GLI and the CNN began from nothing, "
        "the other variants from `photo`'s weights; "
        "`photo` and `photo-staged` are the models that are shipped. "
        f"{timing_note(SIDE, threads)}"
    )


TABLE = Table(
    title="Table 4",
    measure=_measure,
    notes=_notes,
    published={
        "CE": Published("CE", 24.420, 0.8685),
        "GLI": Published("GLI", 26.567, 0.8831),
        "stages joined by an LSTM": Published("staged GAN with LSTM", 27.384, 0.8996),
    },
    published_on="the data is not named",
)
