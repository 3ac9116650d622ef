"""The survey's tables 2 and 3: clouds removed from RICE1's and RICE2's pictures."""

from __future__ import annotations

from functools import partial

from inpaint_export.errors import ExportError
from inpaint_export.evaluation import Pair, read_pairs, score_pairs
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import Published, Row, Table, TableOptions
from inpaint_export.survey.cases import Case, write_cases
from inpaint_export.survey.comparators.attention_masked import FINDER
from inpaint_export.survey.comparators.cyclegan import CycleConsistency, CycleGan
from inpaint_export.survey.comparators.gmcnn import Gmcnn, MultiColumnAdversarial
from inpaint_export.survey.comparators.pix2pix import ConditionalAdversarial, Pix2Pix
from inpaint_export.survey.comparators.sc_fegan import GatedAdversarial, ScFegan
from inpaint_export.survey.comparators.spagan import AttentiveAdversarial, HalfSpaGan, SpaGan
from inpaint_export.survey.comparators.unet import UNet
from inpaint_export.survey.networks import (
    Comparator,
    Method,
    Variant,
    bundled_models,
    export_models,
    network_rows,
    timing_note,
    train_variants,
)

RELEASED = "SpA-GAN, released weights"

SIDE = 256
"""Of RICE's pictures, in pixels; costs and times are for one of them."""

TRANSLATORS = (
    Comparator("cGAN", "pix2pix", Pix2Pix, ConditionalAdversarial),
    Comparator("CycleGAN", "cyclegan", CycleGan, CycleConsistency),
    Comparator(
        "SpA-GAN, trained here",
        "spagan",
        HalfSpaGan,
        AttentiveAdversarial,
        outputs=("output", "attention"),
    ),
)
"""Comparators that make pictures of pictures."""

INPAINTERS = (
    Comparator("SC-FEGAN", "sc-fegan", ScFegan, GatedAdversarial, FINDER),
    Comparator("GMCNN", "gmcnn", Gmcnn, MultiColumnAdversarial, FINDER),
)
"""Comparators that fill what the attention of ``cloud-thick`` finds."""

VARIANTS = (
    Variant("U-Net, no recurrence", "unet", UNet),
    Variant("one round", "one-round", partial(Sarnn, SarnnConfig(rounds=1))),
    Variant("attention off", "no-attention", partial(Sarnn, SarnnConfig(attention=False))),
    Variant("two rounds and attention", "whole", Sarnn),
)


def _rows(
    recipe_name: str, folder: str, variants: tuple[Variant, ...], options: TableOptions
) -> list[Row]:
    """recipe_name: of the model that is shipped. folder: RICE's part, below the data root."""
    recipe = load_recipe(recipe_name)
    released = _released(folder, options)  # asked for before anything is trained
    files = train_variants(variants, recipe, options)
    pairs = read_pairs(options.data / folder / "test")
    measure = partial(_measure, pairs)
    if options.only is not None:
        return network_rows(files, SIDE, options, measure)
    files |= export_models({RELEASED: released}, recipe, options.runs)
    files |= bundled_models(recipe_name)
    rows = network_rows(files, SIDE, options, measure)
    if options.pictures is not None:
        write_cases(options.pictures, _cases(pairs), files, options.threads)
    return [Row("cloudy input", measure(lambda picture: picture)), *rows]


def _released(folder: str, options: TableOptions) -> SpaGan:
    weights = f"spagan_{folder}.pth"
    if options.weights is None:
        raise ExportError(f"the table of {folder} needs --weights, for SpA-GAN's {weights}")
    return SpaGan.load(options.weights / weights)


def _cases(pairs: list[Pair]) -> list[Case]:
    """The first, the middle and the last pair."""
    chosen = [pairs[0], pairs[len(pairs) // 2], pairs[-1]]
    return [Case(damaged, (damaged,), clear) for damaged, clear in chosen]


def _measure(pairs: list[Pair], restore: Method) -> dict[str, float]:
    mean = score_pairs(restore, pairs)
    return {"PSNR": mean.psnr, "SSIM": mean.ssim}


def _notes(steps: int, threads: int) -> str:
    return (
        f"Test parts at {SIDE}x{SIDE}, 8-bit pictures, scikit-image's SSIM. All that is trained "
        f"here had {steps} steps on the same items; `cloud-thin` and `cloud-thick` are the models "
        f"that are shipped. {timing_note(SIDE, threads)}"
    )


RICE1 = Table(
    title="Table 2: thin clouds, RICE1",
    measure=partial(_rows, "cloud-thin", "rice1", (*TRANSLATORS, *VARIANTS)),
    notes=_notes,
    published={
        "cGAN": Published("cGAN", 26.54, 0.90),
        "CycleGAN": Published("CycleGAN", 25.88, 0.89),
        "SpA-GAN, trained here": Published("SpA-GAN", 30.23, 0.95),
        RELEASED: Published("SpA-GAN", 30.23, 0.95),
        "two rounds and attention": Published("SARNN", 30.85, 0.96),
    },
    published_on="on the full dataset",
)

RICE2 = Table(
    title="Table 3: thick clouds, RICE2",
    measure=partial(_rows, "cloud-thick", "rice2", (*TRANSLATORS, *INPAINTERS, *VARIANTS)),
    notes=_notes,
    published={
        "cGAN": Published("cGAN", 25.38, 0.81),
        "CycleGAN": Published("CycleGAN", 23.91, 0.79),
        "SpA-GAN, trained here": Published("SpA-GAN", 28.36, 0.90),
        RELEASED: Published("SpA-GAN", 28.36, 0.90),
        "SC-FEGAN": Published("SC-FEGAN", 20.22, 0.73),
        "GMCNN": Published("GMCNN", 19.21, 0.74),
        "two rounds and attention": Published("SARNN", 28.56, 0.91),
    },
    published_on="on the full dataset",
)
