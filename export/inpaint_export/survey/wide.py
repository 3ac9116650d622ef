"""Narrow and wide holes in one picture: single models, one after another, and ``auto``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.scores import Pixels
from inpaint_export.large_holes import Holed, centred_box, holed_pictures, measure_holes
from inpaint_export.survey.base import (
    PERCEPTUAL,
    PHOTO_CODEBOOK,
    Figures,
    Row,
    Table,
    TableOptions,
    count_threads,
    timed_rows,
)
from inpaint_sdk import Restorer

FOLDER = "photos/kodak24"

WIDE = 5 / 8
"""Of the side that ``photo`` was trained on: holes of this width it fills at the picture's size."""

NARROW = "10-20 %"
"""Irregular masks of this ratio, to which a wide box is added."""

CANDIDATES: Mapping[str, str | Path] = {
    "photo-codebook": PHOTO_CODEBOOK,
    "photo-staged": "photo-staged",
}
"""Models for wide holes, by name or file, of which ``auto`` chooses only what wins here."""

Method = Callable[[Pixels, Pixels], Pixels]


def _rows(options: TableOptions) -> list[Row]:
    photo = Restorer.load("photo", threads=options.threads)
    width = WIDE * photo.model.trained_size
    samples = narrow_and_wide(options.data / FOLDER, options.data / "masks")
    methods = _methods(photo, width, options.threads)
    example = samples[0].picture, samples[0].mask
    runs = {name: partial(restore, *example) for name, restore in methods.items()}
    return timed_rows(runs, lambda name: _measure(methods[name], samples, width))


def _notes(steps: int, threads: int) -> str:
    return (
        f"Irregular holes of {NARROW} of the picture and a centred box of a quarter of it, in one "
        "mask. Gradient: mean in the hole over the true picture's there. Time: median of a whole "
        f"run on one picture with {count_threads(threads)}, all methods in turn in one process."
    )


def narrow_and_wide(folder: Path, masks: Path) -> list[Holed]:
    """A folder's pictures with narrow holes and a wide one each, the same ones every time."""
    return [
        replace(holed, mask=np.maximum(holed.mask, centred_box(*holed.mask.shape)))
        for holed in holed_pictures(folder, masks, NARROW)
    ]


def _methods(photo: Restorer, width: float, threads: int) -> dict[str, Method]:
    """What fills holes, by name.

    width: of the narrowest wide hole, in pixels.
    """
    methods: dict[str, Method] = {"`photo`": photo.restore}
    for name, source in CANDIDATES.items():
        other = Restorer.load(source, threads=threads)
        methods[f"`{name}`"] = other.restore
        methods[f"`photo`, then `{name}` where holes are wide"] = _in_turn(photo, other, width)
    methods["`auto`"] = Restorer.load("auto", threads=threads).restore
    return methods


def _in_turn(photo: Restorer, other: Restorer, width: float) -> Method:
    def run(picture: Pixels, mask: Pixels) -> Pixels:
        return other.restore(photo.restore(picture, mask), wide_part(mask, width))

    return run


def wide_part(mask: Pixels, width: float) -> Pixels:
    """The holes in which a disc of that many pixels across has room, uint8 [H, W], 255 in them."""
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    wide = np.zeros(count, bool)
    wide[labels[2.0 * distance > width]] = True
    part: Pixels = np.multiply(wide[labels], 255, dtype=np.uint8)
    return part


def _measure(restore: Method, samples: Sequence[Holed], width: float) -> Figures:
    restored = [restore(sample.picture, sample.mask) for sample in samples]

    def again() -> Method:
        results = iter(restored)
        return lambda picture, mask: next(results)

    whole = measure_holes(again(), samples)
    wide_parts = [replace(s, mask=wide_part(s.mask, width)) for s in samples]
    wide = measure_holes(again(), wide_parts, perceptual=False)
    figures: dict[str, float | None] = {
        "PSNR in the holes": whole.psnr_hole,
        "PSNR in the wide hole": wide.psnr_hole,
        "SSIM": whole.ssim,
        "gradient": wide.gradient_hole,
    }
    if whole.perceptual is not None:
        figures[PERCEPTUAL] = whole.perceptual
    return figures


TABLE = Table("Narrow and wide holes in one picture, kodak24", _rows, _notes)
