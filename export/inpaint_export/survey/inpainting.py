"""What the tables of inpainting families share: data, figures, notes and pictures of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from inpaint_eval.scores import Pixels
from inpaint_export.large_holes import HOLES, Holed, holed_pictures, measure_holes
from inpaint_export.models.cnn import COARSE, CnnInpainter
from inpaint_export.survey.base import PERCEPTUAL, Figures, Row, TableOptions
from inpaint_export.survey.cases import Case, write_cases
from inpaint_export.survey.networks import Comparator, network_rows
from inpaint_export.training.objective import HoleRegression

SIDE = 256
"""Of the square picture that costs and times are for, in pixels."""

FOLDERS = ("photos/kodak24", "paris")
"""Of pictures that no model is trained on, below the data root."""

CNN_ANEW = Comparator("CNN, from nothing", "cnn", partial(CnnInpainter, COARSE), HoleRegression)
"""A network that costs what the comparators do, trained as they are."""

NOTES = (
    "Irregular holes of 40-60 % and a centred box of a quarter of the picture, through the SDK. "
    "PSNR in the hole, scikit-image's SSIM of the picture, mean gradient in the hole over the true "
    "picture's, and where it is installed a perceptual distance, of which less is better."
)

Settings = Mapping[str, Sequence[Holed]]
Restore = Callable[[Pixels, Pixels], Pixels]


def inpainting_rows(files: Mapping[str, Path], options: TableOptions) -> list[Row]:
    """Rows of model files, by method; see :func:`network_rows`."""
    settings = {
        f"{Path(folder).name}, {holes}": holed_pictures(
            options.data / folder, options.data / "masks", holes
        )
        for folder in FOLDERS
        for holes in HOLES
    }
    rows = network_rows(files, SIDE, options, partial(_measure, settings))
    if options.pictures is not None:
        write_cases(options.pictures, _cases(settings), files, options.threads)
    return rows


def _cases(settings: Settings) -> list[Case]:
    """One picture of each of the first three settings, each time another one."""
    samples = [samples[i % len(samples)] for i, samples in enumerate(settings.values())]
    return [_case(sample) for sample in samples[:3]]


def _case(sample: Holed) -> Case:
    shown = np.where(sample.mask[..., None] > 0, np.uint8(128), sample.picture)
    return Case(shown, (sample.picture, sample.mask), sample.picture)


def _measure(settings: Settings, restore: Restore) -> Figures:
    figures: dict[str, float | None] = {}
    for setting, samples in settings.items():
        found = measure_holes(restore, samples)
        figures[f"{setting}: PSNR in the hole"] = found.psnr_hole
        figures[f"{setting}: SSIM"] = found.ssim
        figures[f"{setting}: gradient"] = found.gradient_hole
        if found.perceptual is not None:
            figures[f"{setting}: {PERCEPTUAL}"] = found.perceptual
    return figures
