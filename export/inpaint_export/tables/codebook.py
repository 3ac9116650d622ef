"""The survey's table 1: inpainting by a transformer over a codebook, and what each part adds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from inpaint_export.cost import Cost, measure
from inpaint_export.models.cnn import PHOTO, CnnInpainter
from inpaint_export.models.codebook import (
    CodebookInpainter,
    SharpenedInpainter,
    SharpenerConfig,
    TransformerConfig,
)
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import Recipe, load_recipe
from inpaint_export.recipes.photo_codebook_autoencoder import AUTOENCODER
from inpaint_export.tables.base import (
    Row,
    TableOptions,
    Variant,
    markdown,
    train_variant,
    write_json,
)
from inpaint_export.tables.holes import SIDE, Method, measure_methods
from inpaint_export.training.objective import HoleRegression
from inpaint_export.training.start import FromModel, FromRun, Start
from inpaint_sdk.zoo import MODELS

PUBLISHED = (
    ("RFR", 20.11, 0.813),
    ("GAN", 23.89, 0.904),
    ("LGNet", 24.19, 0.921),
    ("CNN and transformer", 26.74, 0.935),
)

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
        "no transformer: CNN encoder and decoder",
        (
            Training(
                "no-transformer",
                "photo-codebook",
                FromModel("photo"),
                share=3,
                build=lambda: CnnInpainter(PHOTO),
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
        "all of it",
        (
            _AUTOENCODER,
            _TRANSFORMER,
            Training("whole", "photo-codebook", FromRun("transformer", "inpainter")),
        ),
    ),
)


def make_table(name: str, options: TableOptions) -> str:
    """See :func:`inpaint_export.tables.make_table`; draws ``NAME.jpg`` too."""
    options = replace(options, runs=options.runs / name)
    options.runs.mkdir(parents=True, exist_ok=True)
    drawing = options.runs / f"{name}.jpg"
    with tempfile.TemporaryDirectory() as folder:
        methods = _methods(options, Path(folder))
        by_set = measure_methods(methods, options, drawing)
    published = [
        Row(method, {"PSNR": psnr, "SSIM": ssim}, source="published, CelebA and Paris StreetView")
        for method, psnr, ssim in PUBLISHED
    ]
    parts = [markdown(f"Table 1: {title}", rows) for title, rows in by_set.items()]
    parts += [_notes(options, methods), markdown("As published", published)]
    text = "\n".join(parts)
    (options.runs / f"{name}.md").write_text(text, encoding="utf-8")
    named = [
        replace(row, method=f"{row.method} ({title})")
        for title, rows in by_set.items()
        for row in rows
    ]
    write_json(name, named + published, options, options.runs / f"{name}.json")
    return text


def _notes(options: TableOptions, methods: list[Method]) -> str:
    shown = ", ".join(method.name for method in methods)
    steps = options.steps // TRAININGS * TRAININGS
    return (
        "Through the SDK, 8-bit pictures, scikit-image's SSIM of the whole picture. Gradients: "
        "mean gradient magnitude in the hole over the true picture's. Every trained variant began "
        f"from `photo` and had {steps} steps on the same pictures in "
        f"all its trainings. Time: median of one run of the network at {SIDE}x{SIDE} in ONNX "
        f"Runtime with {options.threads} threads, all methods in turn in one process. In the "
        f"drawing, from left to right: damaged, {shown}, true.\n"
    )


def _methods(options: TableOptions, folder: Path) -> list[Method]:
    """Trains the variants and writes their model files below ``folder``."""
    models: dict[str, nn.Module] = {}
    for name, trainings in VARIANTS:
        for training in trainings:
            models[name] = _train(training, options)
    whole = models["all of it"]
    assert isinstance(whole, SharpenedInpainter)
    models["all of it, before sharpening"] = whole.inpainter
    models["all of it, argmax"] = _with_argmax(whole)
    recipe = load_recipe("photo-codebook")
    methods = [
        Method("`photo`", MODELS / "photo.onnx", _cost(CnnInpainter(PHOTO))),
        Method("`photo-codebook`", MODELS / "photo-codebook.onnx", _cost(recipe.build())),
    ]
    for index, (name, model) in enumerate(models.items()):
        path = folder / f"{index}.onnx"
        export_model(model, recipe, path)
        methods.append(Method(name, path, _cost(model)))
    return methods


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


def _cost(model: nn.Module) -> Cost:
    return measure(model, torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE))
