"""The survey's table 1: inpainting by a transformer over a codebook, and what each part adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from inpaint_export.models.cnn import PHOTO, CnnInpainter
from inpaint_export.models.codebook import (
    CodebookInpainter,
    SharpenedInpainter,
    SharpenerConfig,
    TransformerConfig,
)
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.photo_codebook_autoencoder import AUTOENCODER
from inpaint_export.survey.base import Row, Table, TableOptions
from inpaint_export.survey.inpainting import NOTES, SIDE, inpainting_rows
from inpaint_export.survey.networks import (
    bundled_models,
    export_models,
    timing_note,
    train_recipe,
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
                FromModel("photo"),
                share=3,
                build=partial(CnnInpainter, PHOTO),
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
                FromModel("photo", "autoencoder.cnn"),
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


def _measure(options: TableOptions) -> list[Row]:
    models = _models(options)
    files = export_models(models, load_recipe("photo-codebook"), options.runs)
    return inpainting_rows(files | bundled_models("photo", "photo-codebook"), options)


def _notes(steps: int, threads: int) -> str:
    return (
        f"{NOTES} Every trained variant began from `photo` and had "
        f"{steps // TRAININGS * TRAININGS} steps in all its trainings, on pictures drawn alike; "
        "those before sharpening and with argmax have the weights of all of it. `photo` and "
        f"`photo-codebook` are the models that are shipped. {timing_note(SIDE, threads)}"
    )


def _models(options: TableOptions) -> dict[str, nn.Module]:
    """Trains the variants."""
    models: dict[str, nn.Module] = {}
    for name, trainings in VARIANTS:
        for training in trainings:
            models[name] = _train(training, options)
    whole = models[WHOLE]
    assert isinstance(whole, SharpenedInpainter)
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
    published=(
        ("RFR", 20.11, 0.813),
        ("GAN", 23.89, 0.904),
        ("LGNet", 24.19, 0.921),
        ("CNN and transformer", 26.74, 0.935),
    ),
    published_on="CelebA and Paris StreetView",
)
