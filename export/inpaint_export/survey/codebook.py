"""The survey's table 1: inpainting by a transformer over a codebook, and what each part adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from inpaint_export.models.cnn import COARSE, CnnInpainter
from inpaint_export.models.codebook import (
    CodebookInpainter,
    SharpenedInpainter,
    SharpenerConfig,
    TransformerConfig,
)
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.photo_codebook_autoencoder import AUTOENCODER
from inpaint_export.survey.base import PHOTO_CODEBOOK, Published, Row, Table, TableOptions
from inpaint_export.survey.comparators.lgnet import LgNet, Refinement
from inpaint_export.survey.comparators.plain_gan import PlainAdversarial, PlainGenerator
from inpaint_export.survey.comparators.rfr import FeatureReasoningLosses, RfrNetwork
from inpaint_export.survey.inpainting import CNN_ANEW, NOTES, SIDE, inpainting_rows
from inpaint_export.survey.networks import (
    Comparator,
    bundled_models,
    export_models,
    timing_note,
    train_recipe,
    train_variants,
)
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.start import FromModel, FromRun, Initialisation

WHOLE = "all of it"

TRAININGS = 3
"""Of each variant; a part that a variant lacks leaves its steps to the next one."""

TRANSFORMER = TransformerConfig()

SHARPENER = SharpenerConfig()

CONTINUOUS = replace(TRANSFORMER, lookup="continuous")


@dataclass(frozen=True)
class Training:
    """One training of a variant.

    folder: of its run. recipe: what it follows, but for what is given here. share: of the
    variant's :data:`TRAININGS`. objective: in place of the recipe's.
    """

    folder: str
    recipe: str
    start: Initialisation | None = None
    share: int = 1
    build: Callable[[], nn.Module] | None = None
    objective: Callable[[nn.Module], HoleRegression] | None = None


def _regression(model: nn.Module) -> HoleRegression:
    return HoleRegression(model, switch=0.5)  # as the sharpening module's training


_AUTOENCODER = Training("autoencoder", "photo-codebook-autoencoder")
_TRANSFORMER = Training(
    "transformer", "photo-codebook-transformer", FromRun("autoencoder", "autoencoder")
)

VARIANTS: tuple[tuple[str, tuple[Training, ...]], ...] = (
    (
        "no transformer",
        (
            Training(
                "no-transformer",
                "photo-codebook",
                FromModel("photo", shrunk=True),
                share=3,
                build=partial(CnnInpainter, COARSE),
                objective=_regression,
            ),
        ),
    ),
    (
        "continuous features",
        (
            Training(
                "continuous-transformer",
                "photo-codebook-transformer",
                FromModel("photo", "autoencoder.cnn", shrunk=True),
                share=2,
                build=partial(CodebookInpainter, AUTOENCODER, CONTINUOUS),
            ),
            Training(
                "continuous",
                "photo-codebook",
                FromRun("continuous-transformer", "inpainter"),
                build=partial(SharpenedInpainter, AUTOENCODER, CONTINUOUS),
            ),
        ),
    ),
    (
        "no sharpening",
        (
            _AUTOENCODER,
            _TRANSFORMER,
            Training(
                "no-sharpening",
                "photo-codebook",
                FromRun("transformer"),
                build=partial(CodebookInpainter, AUTOENCODER),
                objective=_regression,
            ),
        ),
    ),
    (
        WHOLE,
        (
            _AUTOENCODER,
            _TRANSFORMER,
            Training("whole", "photo-codebook", FromRun("transformer", "inpainter")),
        ),
    ),
)


COMPARATORS = (
    Comparator("RFR", "rfr", RfrNetwork, FeatureReasoningLosses),
    Comparator("GAN", "gan", PlainGenerator, PlainAdversarial),
    Comparator("LGNet", "lgnet", LgNet, Refinement),
    CNN_ANEW,
)


def _measure(options: TableOptions) -> list[Row]:
    recipe = load_recipe("photo-codebook")
    files = train_variants(COMPARATORS, recipe, options)
    files |= export_models(_models(options), recipe, options.runs)
    if options.only is None:
        files |= bundled_models("photo") | {"`photo-codebook`": PHOTO_CODEBOOK}
    return inpainting_rows(files, options)


def _notes(steps: int, threads: int) -> str:
    return (
        f"{NOTES} RFR, GAN, LGNet and the CNN began from nothing, every other variant from "
        f"`photo`; all had {steps // TRAININGS * TRAININGS} steps in all their trainings, on "
        "pictures drawn alike; those before sharpening and with argmax have the weights of all of "
        "it. `photo` is the model that is shipped, `photo-codebook` the one in "
        f"`export/warm_starts`. {timing_note(SIDE, threads)}"
    )


def _models(options: TableOptions) -> dict[str, nn.Module]:
    """Trains the variants that the options name."""
    models: dict[str, nn.Module] = {}
    for name, trainings in VARIANTS:
        if options.only is not None and name not in options.only:
            continue
        for training in trainings:
            models[name] = _train(training, options)
    whole = models.get(WHOLE)
    if isinstance(whole, SharpenedInpainter):
        models[f"{WHOLE}, before sharpening"] = whole.inpainter
        models[f"{WHOLE}, argmax"] = _with_argmax(whole)
    return models


def recipe_of(training: Training) -> Recipe:
    """What a training follows, with what is its own."""
    recipe = load_recipe(training.recipe)
    return replace(
        recipe,
        build=training.build or recipe.build,
        start=training.start or recipe.start,
        objective=training.objective or recipe.objective,
    )


def _train(training: Training, options: TableOptions) -> nn.Module:
    steps = options.steps // TRAININGS * training.share
    return train_recipe(recipe_of(training), training.folder, replace(options, steps=steps))


def _with_argmax(model: SharpenedInpainter) -> SharpenedInpainter:
    """The same weights, with the likeliest entry in place of the mean one."""
    changed = SharpenedInpainter(AUTOENCODER, replace(TRANSFORMER, lookup="argmax"), SHARPENER)
    changed.load_state_dict(model.state_dict())
    return changed


TABLE = Table(
    title="Table 1",
    measure=_measure,
    notes=_notes,
    published={
        "RFR": Published("RFR", 20.11, 0.813),
        "GAN": Published("GAN", 23.89, 0.904),
        "LGNet": Published("LGNet", 24.19, 0.921),
        WHOLE: Published("CNN + Transformer", 26.74, 0.935),
    },
    published_on="on CelebA and Paris StreetView",
)
