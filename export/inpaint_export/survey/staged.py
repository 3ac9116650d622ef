"""The survey's table 4: large holes in one stage or several, with and without an LSTM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inpaint_export.models.staged import StagedConfig, StagedInpainter
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import (
    TableOptions,
    Variant,
    finish_table,
    open_table,
    published_rows,
)
from inpaint_export.survey.inpainting import markdown_by_setting, measured_rows
from inpaint_export.training.adversarial import MILD, STRICT, StagedAdversarial

_ONE_STAGE = StagedConfig(depths=())
_GLOBAL = partial(
    StagedAdversarial, early=replace(STRICT, region=0.0), late=replace(MILD, region=0.0)
)

VARIANTS = (
    Variant(
        "one stage, global critic",
        "one-global",
        lambda: StagedInpainter(_ONE_STAGE),
        _GLOBAL,
    ),
    Variant("one stage, both critics", "one-both", lambda: StagedInpainter(_ONE_STAGE)),
    Variant(
        "stages without LSTM", "no-lstm", lambda: StagedInpainter(StagedConfig(recurrent=False))
    ),
    Variant("stages joined by an LSTM", "lstm", StagedInpainter),
)

PUBLISHED = (
    ("CE (context encoder)", 24.420, 0.8685),
    ("GLI (globally and locally consistent completion)", 26.567, 0.8831),
    ("staged GAN with LSTM", 27.384, 0.8996),
)


def make_table(name: str, options: TableOptions) -> str:
    """See :func:`inpaint_export.survey.make_table`."""
    options = open_table(name, options)
    rows = measured_rows(VARIANTS, ("photo", "photo-staged"), load_recipe("photo-staged"), options)
    published = published_rows(PUBLISHED, "data not named")
    return finish_table(
        name, options, markdown_by_setting("Table 4", rows), rows, _notes(options), published
    )


def _notes(options: TableOptions) -> str:
    return (
        "Irregular holes of 40-60 % and a centred box of a quarter of the picture, through the "
        "SDK. PSNR in the hole, scikit-image's SSIM of the picture, mean gradient in the hole over "
        f"the true picture's. The variants had {options.steps} steps on the same items, all from "
        "`photo`'s weights; `photo` and `photo-staged` are the models that are shipped. Time: "
        f"median of one run at 256x256 in ONNX Runtime with {options.threads} threads, all in "
        "turn in one process.\n"
    )
