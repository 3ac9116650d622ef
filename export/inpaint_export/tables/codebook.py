"""The survey's table 1: inpainting by a transformer over a codebook, and what each part adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from inpaint_export.models.cnn import LARGE_HOLES, CnnInpainter
from inpaint_export.models.codebook import (
    CodebookInpainter,
    SharpenedInpainter,
    SharpenerConfig,
    TransformerConfig,
)
from inpaint_export.recipes import Recipe, load_recipe
from inpaint_export.recipes.photo_codebook_autoencoder import AUTOENCODER
from inpaint_export.tables.base import (
    TableOptions,
    Variant,
    finish_table,
    open_table,
    published_rows,
    train_variant,
)
from inpaint_export.tables.inpainting import SIDE, markdown_by_setting, measured_models
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.start import FromModel, FromRun, Start

PUBLISHED = (
    ("RFR", 20.11, 0.813),
    ("GAN", 23.89, 0.904),
    ("LGNet", 24.19, 0.921),
    ("CNN and transformer", 26.74, 0.935),
)

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
    start: Start | None = None
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
                build=lambda: CnnInpainter(LARGE_HOLES),
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
                build=lambda: CodebookInpainter(AUTOENCODER, CONTINUOUS),
            ),
            Training(
                "continuous",
                "photo-codebook",
                FromRun("continuous-transformer", "inpainter"),
                build=lambda: SharpenedInpainter(AUTOENCODER, CONTINUOUS),
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
                build=lambda: CodebookInpainter(AUTOENCODER),
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


def make_table(name: str, options: TableOptions) -> str:
    """See :func:`inpaint_export.tables.make_table`."""
    options = open_table(name, options)
    shipped = ("photo", "photo-codebook")
    rows = measured_models(_models(options), shipped, load_recipe("photo-codebook"), options)
    published = published_rows(PUBLISHED, "CelebA and Paris StreetView")
    return finish_table(
        name, options, markdown_by_setting("Table 1", rows), rows, _notes(options), published
    )


def _notes(options: TableOptions) -> str:
    steps = options.steps // TRAININGS * TRAININGS
    return (
        "Irregular holes of 40-60 % and a centred box of a quarter of the picture, through the "
        "SDK. PSNR in the hole, scikit-image's SSIM of the picture, mean gradient in the hole over "
        "the true picture's. Every trained variant began from `photo` and had "
        f"{steps} steps in all its trainings, on pictures drawn alike; those before sharpening and "
        "with argmax have the weights of all of it. `photo` and `photo-codebook` are the models "
        f"that are shipped. Time: median of one run at {SIDE}x{SIDE} in ONNX Runtime with "
        f"{options.threads} threads, all in turn in one process.\n"
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
    recipe = recipe_of(training)
    variant = Variant("", training.folder, recipe.build)
    steps = options.steps // TRAININGS * training.share
    return train_variant(variant, recipe, replace(options, steps=steps))


def _with_argmax(model: SharpenedInpainter) -> SharpenedInpainter:
    """The same weights, with the likeliest entry in place of the mean one."""
    changed = SharpenedInpainter(AUTOENCODER, replace(TRANSFORMER, lookup="argmax"), SHARPENER)
    changed.load_state_dict(model.state_dict())
    return changed
