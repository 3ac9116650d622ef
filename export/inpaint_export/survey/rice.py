"""The survey's tables 2 and 3: clouds removed from RICE1's and RICE2's pictures."""

from __future__ import annotations

from functools import partial

from inpaint_export.errors import ExportError
from inpaint_export.evaluation import Pair, read_pairs, score_pairs
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import Row, Table, TableOptions
from inpaint_export.survey.comparators.spagan import SpaGan
from inpaint_export.survey.comparators.unet import UNet
from inpaint_export.survey.networks import (
    Method,
    Variant,
    bundled_models,
    export_models,
    network_rows,
    timing_note,
    train_variants,
)

SIDE = 256
"""Of RICE's pictures, in pixels; costs and times are for one of them."""

VARIANTS = (
    Variant("U-Net, no recurrence", "unet", UNet),
    Variant("one round", "one-round", partial(Sarnn, SarnnConfig(rounds=1))),
    Variant("attention off", "no-attention", partial(Sarnn, SarnnConfig(attention=False))),
    Variant("two rounds and attention", "whole", Sarnn),
)


def _rows(recipe_name: str, folder: str, options: TableOptions) -> list[Row]:
    """recipe_name: of the model that is shipped. folder: RICE's part, below the data root."""
    weights = f"spagan_{folder}.pth"
    if options.weights is None:
        raise ExportError(f"the table {folder} needs --weights, for SpA-GAN's {weights}")
    comparator = {"SpA-GAN, released weights": SpaGan.load(options.weights / weights)}
    recipe = load_recipe(recipe_name)
    models = train_variants(VARIANTS, recipe, options) | comparator
    files = export_models(models, recipe, options.runs) | bundled_models(recipe_name)
    pairs = read_pairs(options.data / folder / "test")
    measure = partial(_measure, pairs)
    unchanged = Row("cloudy input", measure(lambda picture: picture))
    return [unchanged, *network_rows(files, SIDE, options.threads, measure)]


def _measure(pairs: list[Pair], restore: Method) -> dict[str, float]:
    mean = score_pairs(restore, pairs)
    return {"PSNR": mean.psnr, "SSIM": mean.ssim}


def _notes(steps: int, threads: int) -> str:
    return (
        f"Test parts at {SIDE}x{SIDE}, 8-bit pictures, scikit-image's SSIM. The first four trained "
        f"rows had {steps} steps on the same items; `cloud-thin` and `cloud-thick` are the models "
        f"that are shipped. {timing_note(SIDE, threads)}"
    )


RICE1 = Table(
    title="Table 2: thin clouds, RICE1",
    measure=partial(_rows, "cloud-thin", "rice1"),
    notes=_notes,
    published=(
        ("cGAN", 26.54, 0.90),
        ("CycleGAN", 25.88, 0.89),
        ("SpA-GAN", 30.23, 0.95),
        ("SARNN", 30.85, 0.96),
    ),
    published_on="full dataset",
)

RICE2 = Table(
    title="Table 3: thick clouds, RICE2",
    measure=partial(_rows, "cloud-thick", "rice2"),
    notes=_notes,
    published=(
        ("cGAN", 25.38, 0.81),
        ("CycleGAN", 23.91, 0.79),
        ("SpA-GAN", 28.36, 0.90),
        ("SC-FEGAN", 20.22, 0.73),
        ("GMCNN", 19.21, 0.74),
        ("SARNN", 28.56, 0.91),
    ),
    published_on="full dataset",
)
