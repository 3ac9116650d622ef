"""Damage and distortion in one picture: single models, combinations of them, and ``auto``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from inpaint_eval.damage import damage_held_out
from inpaint_eval.pictures import list_pictures
from inpaint_eval.scores import Pixels, mean_score, score
from inpaint_export.data.distortions import distort_fixed
from inpaint_export.data.photos import read_rgb
from inpaint_export.survey.base import Row, Table, TableOptions, count_threads, timed_rows
from inpaint_sdk import Options, Restorer

FOLDER = "photos/kodak24"

MIXTURES = (
    ("scratches", "noise 25"),
    ("scratches", "clean"),
    ("text", "JPEG 20"),
    ("cracks", "mixture"),
)
"""Kinds of held-out damage, and the distortions that the damaged picture then suffers."""

SEED = 78


@dataclass(frozen=True)
class _Sample:
    """damaged, clean: uint8 RGB [H, W, 3]."""

    mixture: tuple[str, str]
    damaged: Pixels
    clean: Pixels


def _rows(options: TableOptions) -> list[Row]:
    samples = list(_samples(options.data / FOLDER))
    methods = _methods(options.threads)
    runs = {name: partial(restore, samples[0].damaged) for name, restore in methods.items()}
    return timed_rows(runs, lambda name: _measure(methods[name], samples))


def _notes(steps: int, threads: int) -> str:
    return (
        "Held-out damage, then the distortion, as `inpaint-export eval` has them. PSNR of whole "
        "pictures; SSIM is the mean over all. No method is given a mask. Time: median of a whole "
        f"run on one picture with {count_threads(threads)}, all methods in turn in one process."
    )


def _samples(folder: Path) -> Iterator[_Sample]:
    pictures = [read_rgb(path) for path in list_pictures(folder)]
    for number, (kind, distortion) in enumerate(MIXTURES):
        for index, clean in enumerate(pictures):
            rng = np.random.default_rng((SEED, number, index))
            damaged = damage_held_out(rng, clean, kind).picture
            yield _Sample((kind, distortion), distort_fixed(distortion, index, damaged), clean)


def _methods(threads: int) -> dict[str, Callable[[Pixels], Pixels]]:
    """What restores a picture without a mask, by name."""

    def load(name: str) -> Restorer:
        return Restorer.load(name, threads=threads, channels="rgb")

    photo, clean, auto = load("photo"), load("clean"), load("auto")
    return {
        "damaged": lambda picture: picture,
        "damage found, photo": photo.restore,
        "clean": clean.restore,
        "damage found, photo, clean": lambda picture: clean.restore(photo.restore(picture)),
        "damage found, clean, photo": lambda picture: photo.restore(
            clean.restore(picture), photo.detect(picture).widened_mask
        ),
        "clean, damage found, photo": lambda picture: photo.restore(clean.restore(picture)),
        "auto": lambda picture: auto.restore(picture, options=Options(enhance=True)),
    }


def _measure(restore: Callable[[Pixels], Pixels], samples: list[_Sample]) -> dict[str, float]:
    scores = [(s.mixture, score(restore(s.damaged), s.clean, None)) for s in samples]
    figures = {
        f"{kind}, {distortion}": mean_score(
            found for mixture, found in scores if mixture == (kind, distortion)
        ).psnr
        for kind, distortion in MIXTURES
    }
    mean = mean_score(found for _, found in scores)
    return {**figures, "all": mean.psnr, "SSIM": mean.ssim}


TABLE = Table("Mixed damage, kodak24", _rows, _notes)
