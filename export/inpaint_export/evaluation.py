"""Measures a model file as it will be used: through the SDK."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from inpaint_eval.pictures import list_pairs, list_pictures, read_picture
from inpaint_eval.scores import Pixels, Score, mean_score, score
from inpaint_export.data.distortions import distort_fixed
from inpaint_export.large_holes import holed_pictures
from inpaint_sdk import Quality, Restorer


def evaluate_holes(
    model_file: Path, pictures: Path, masks: Path, holes: str, threads: int
) -> Quality:
    """Mean quality over a folder of pictures under one kind of holes, rounded for print.

    holes: "10-20 %" or another ratio, or "box"; see
    :func:`inpaint_export.large_holes.holed_pictures`.
    """
    restorer = Restorer.load(model_file, threads=threads)
    title = f"{restorer.model.name}, {holes}"
    samples = tqdm(holed_pictures(pictures, masks, holes), desc=title, unit="picture")
    scores = [score(restorer.restore(s.picture, s.mask), s.picture, s.mask) for s in samples]
    kind = "centred box" if holes == "box" else f"{masks.name} {holes}"
    return _quality(pictures.name, kind, scores)


def evaluate_pairs(model_file: Path, folder: Path, threads: int) -> Quality:
    """Mean quality of a model that needs no mask over a folder of pairs, rounded for print.

    folder: with ``cloudy/NAME`` and ``clear/NAME``.
    """
    restorer = Restorer.load(model_file, threads=threads)
    pairs = tqdm(read_pairs(folder), desc=restorer.model.name, unit="picture")
    scores = [score(restorer.restore(damaged), clear, None) for damaged, clear in pairs]
    return _quality(f"{folder.parent.name} {folder.name}", "none", scores)


def evaluate_distorted(model_file: Path, folder: Path, kind: str, threads: int) -> Quality:
    """Mean quality over a folder of pictures under a fixed distortion, rounded for print."""
    restorer = Restorer.load(model_file, threads=threads)
    pairs = tqdm(distorted_pairs(folder, kind), desc=f"{restorer.model.name}, {kind}")
    scores = [score(restorer.restore(damaged), clear, None) for damaged, clear in pairs]
    return _quality(f"{folder.name}, {kind}", "none", scores)


def distorted_pairs(folder: Path, kind: str) -> list[tuple[Pixels, Pixels]]:
    """All pictures of a folder under one of ``FIXED``, and as they are; uint8 BGR [H, W, 3]."""
    clear = [read_picture(path) for path in list_pictures(folder)]
    return [(distort_fixed(kind, index, picture), picture) for index, picture in enumerate(clear)]


def read_pairs(folder: Path) -> list[tuple[Pixels, Pixels]]:
    """All (damaged, clear) pairs of a folder, uint8 BGR [H, W, 3]."""
    return [(read_picture(pair.damaged), read_picture(pair.clear)) for pair in list_pairs(folder)]


def _quality(data: str, masks: str, scores: list[Score]) -> Quality:
    mean = mean_score(scores)
    return Quality(
        data=data,
        masks=masks,
        pictures=len(scores),
        psnr_hole=None if mean.psnr_hole is None else round(mean.psnr_hole, 3),
        psnr=round(mean.psnr, 3),
        ssim=round(mean.ssim, 5),
    )
