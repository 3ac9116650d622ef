"""Measures a model file as it will be used: through the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from inpaint_eval.pictures import Ratio, list_pairs, list_pictures, read_picture
from inpaint_eval.scores import Pixels, Score, mean_score, score
from inpaint_export.data.distortions import FIXED, distort_fixed
from inpaint_export.detection_evaluation import evaluate_detector, markdown
from inpaint_export.errors import ExportError
from inpaint_export.film_evaluation import Sizes, evaluate_film
from inpaint_export.large_holes import holed_pictures
from inpaint_sdk import DetectionQuality, Quality, Restorer
from inpaint_sdk.models.file import read_model_file

Pair = tuple[Pixels, Pixels]
"""A damaged picture and the true one, uint8 BGR [H, W, 3]."""


@dataclass(frozen=True)
class Evaluation:
    """What was measured: ``quality``, or of a detector ``detection``; ``text`` for people."""

    text: str
    quality: tuple[Quality, ...] = ()
    detection: tuple[DetectionQuality, ...] = ()


def evaluate_model(
    model_file: Path,
    data: Path,
    *,
    masks: Path | None,
    distort: bool,
    ratios: Sequence[str],
    threads: int,
) -> Evaluation:
    """Measures a model as its task asks for.

    data: folder of undamaged pictures, or of pairs for a model that needs no mask, without
    ``distort``. masks: folder of masks, for an inpainting model. ratios: of the holes, like
    "10-20" in percent, or "box".

    Raises:
        ExportError: the model's task and what it is to be measured under do not fit.
        ModelError: the file is no model file.
        ValueError: a ratio or a folder of pictures is not one.
    """
    info = read_model_file(model_file).info
    if info.task == "inpaint":
        if masks is None or distort:
            raise ExportError(f"{info.name} fills holes: give --masks, and not --distort")
        quality = [evaluate_holes(model_file, data, masks, _holes(r), threads) for r in ratios]
    elif masks is not None:
        raise ExportError(f"{info.name} takes no mask: leave out --masks")
    elif info.task == "detect":
        if distort:
            raise ExportError(f"{info.name} is a detector: leave out --distort")
        report = evaluate_detector(model_file, data, threads)
        return Evaluation(markdown(report), detection=report.quality)
    elif distort:
        quality = [evaluate_distorted(model_file, data, kind, threads) for kind in FIXED]
    else:
        quality = [evaluate_pairs(model_file, data, threads)]
    return Evaluation("\n".join(map(_line, quality)), tuple(quality))


def evaluate_film_damage(
    model_file: Path, root: Path, output: Path, *, threads: int, limit: int | None = None
) -> Evaluation:
    """Measures a detector as :func:`inpaint_export.film_evaluation.evaluate_film` does.

    output: the result file. limit: pictures of each set, for a trial.

    Raises:
        ExportError: the model is no detector.
    """
    info = read_model_file(model_file).info
    if info.task != "detect":
        raise ExportError(f"{info.name} is no detector: leave out --film")
    sizes = None if limit is None else Sizes.limited(limit)
    report = evaluate_film(model_file, root, threads=threads, sizes=sizes)
    report.write(output)
    return Evaluation(report.text, detection=report.quality)


def evaluate_cleaning(
    model_file: Path,
    root: Path,
    output: Path,
    weights: Path | None,
    *,
    threads: int,
    limit: int | None = None,
    with_cbm3d: bool = False,
) -> Evaluation:
    """Measures a model as :func:`inpaint_export.noise.evaluation.evaluate_noise` does.

    output: the result file. weights: folder of FFDNet's; None for ``weights`` beside the data root.
    limit: pictures of each set, for a trial.

    Raises:
        ExportError: the model is not for the task ``enhance``.
    """
    from inpaint_export.noise.evaluation import Sizes, evaluate_noise  # measures with what is here

    info = read_model_file(model_file).info
    if info.task != "enhance":
        raise ExportError(f"{info.name} cleans no pictures: leave out --noise")
    report = evaluate_noise(
        model_file,
        root,
        weights or root.absolute().parent / "weights",
        threads=threads,
        sizes=None if limit is None else Sizes.limited(limit),
        with_cbm3d=with_cbm3d,
    )
    report.write(output)
    return Evaluation(report.text, report.quality)


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
    return _quality(pictures.name, kind, len(scores), mean_score(scores))


def evaluate_pairs(model_file: Path, folder: Path, threads: int) -> Quality:
    """Mean quality of a model that needs no mask over a folder of pairs, rounded for print.

    folder: with ``cloudy/NAME`` and ``clear/NAME``.
    """
    data = f"{folder.parent.name} {folder.name}"
    return _quality_on_pairs(model_file, read_pairs(folder), data, threads)


def evaluate_distorted(model_file: Path, folder: Path, kind: str, threads: int) -> Quality:
    """Mean quality over a folder of pictures under a fixed distortion, rounded for print."""
    data = f"{folder.name}, {kind}"
    return _quality_on_pairs(model_file, distorted_pairs(folder, kind), data, threads)


def distorted_pairs(folder: Path, kind: str) -> list[Pair]:
    """All pictures of a folder under one of ``FIXED``, and as they are."""
    clear = [read_picture(path) for path in list_pictures(folder)]
    return [(distort_fixed(kind, index, picture), picture) for index, picture in enumerate(clear)]


def read_pairs(folder: Path) -> list[Pair]:
    """All pairs of a folder."""
    return [(read_picture(pair.damaged), read_picture(pair.clear)) for pair in list_pairs(folder)]


def score_pairs(restore: Callable[[Pixels], Pixels], pairs: Iterable[Pair]) -> Score:
    """Means over pairs of a method that takes no mask."""
    return mean_score(score(restore(damaged), clear, None) for damaged, clear in pairs)


def _holes(text: str) -> str:
    """``"box"``, or a ratio like ``"10-20 %"`` from ``"10-20"``."""
    return text if text == "box" else str(Ratio.parse(text))


def _quality_on_pairs(model_file: Path, pairs: list[Pair], data: str, threads: int) -> Quality:
    restorer = Restorer.load(model_file, threads=threads)
    title = f"{restorer.model.name}, {data}"
    mean = score_pairs(restorer.restore, tqdm(pairs, desc=title, unit="picture"))
    return _quality(data, "none", len(pairs), mean)


def _quality(data: str, masks: str, pictures: int, mean: Score) -> Quality:
    return Quality(
        data=data,
        masks=masks,
        pictures=pictures,
        psnr_hole=None if mean.psnr_hole is None else round(mean.psnr_hole, 3),
        psnr=round(mean.psnr, 3),
        ssim=round(mean.ssim, 5),
    )


def _line(row: Quality) -> str:
    hole = "" if row.psnr_hole is None else f"{row.psnr_hole:.2f} dB in the hole, "
    return (
        f"{row.data}, masks {row.masks}: PSNR {hole}{row.psnr:.2f} dB over the picture, "
        f"SSIM {row.ssim:.4f} ({row.pictures} pictures)"
    )
