"""What the tables of inpainting families share: data, figures, notes and strips of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2

from inpaint_export.large_holes import (
    HOLES,
    Holed,
    Restore,
    draw_sheet,
    holed_pictures,
    measure_holes,
)
from inpaint_export.survey.base import PERCEPTUAL, Figures, Row, TableOptions
from inpaint_export.survey.networks import network_rows
from inpaint_sdk import Restorer

SIDE = 256
"""Of the square picture that costs and times are for, in pixels."""

FOLDERS = ("photos/kodak24", "paris")
"""Of pictures that no model is trained on, below the data root."""

SHOWN = 6
"""Pictures of each kind in a strip."""

NOTES = (
    "Irregular holes of 40-60 % and a centred box of a quarter of the picture, through the SDK. "
    "PSNR in the hole, scikit-image's SSIM of the picture, mean gradient in the hole over the true "
    "picture's."
)

Settings = Mapping[str, Sequence[Holed]]


def inpainting_rows(files: Mapping[str, Path], options: TableOptions) -> list[Row]:
    """Rows of model files, by method.

    Writes strips of pictures, one for each folder and kind of holes, below ``options.runs``:
    damaged, by each method, and true.
    """
    settings = {
        f"{Path(folder).name}, {holes}": holed_pictures(
            options.data / folder, options.data / "masks", holes
        )
        for folder in FOLDERS
        for holes in HOLES
    }
    rows = network_rows(files, SIDE, options.threads, partial(_measure, settings))
    restorers = [Restorer.load(path, threads=options.threads) for path in files.values()]
    for setting, samples in settings.items():
        path = options.runs / f"{setting.replace(' %', '').replace(', ', '-')}.png"
        cv2.imwrite(str(path), draw_sheet([r.restore for r in restorers], samples, SHOWN))
    return rows


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
