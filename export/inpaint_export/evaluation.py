"""Measures a model file as it will be used: through the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_eval.evaluations import tables_of_evaluation
from inpaint_eval.pictures import Ratio, list_pairs, list_pictures, read_picture
from inpaint_eval.render import to_text
from inpaint_eval.scores import Pixels, Score, mean_score, psnr_of, score
from inpaint_export.data.distortions import FIXED, distort_fixed
from inpaint_export.errors import ExportError
from inpaint_export.evaluation_file import begin_document, end_document
from inpaint_export.film_evaluation.detectors import evaluate_film_detector
from inpaint_export.film_evaluation.restorers import DETECTOR, evaluate_film_restorer
from inpaint_export.film_evaluation.sets import Sizes
from inpaint_export.large_holes import code_figures, holed_pictures, measure_holes
from inpaint_sdk import DetectionQuality, Quality, Restorer
from inpaint_sdk.models.file import read_model_file

Pair = tuple[Pixels, Pixels]
"""A damaged picture and the true one, uint8 BGR [H, W, 3]."""


@dataclass(frozen=True)
class Evaluation:
    """document: the result. quality, or of a detector detection: rows for the model file."""

    document: Mapping[str, Any]
    quality: tuple[Quality, ...] = ()
    detection: tuple[DetectionQuality, ...] = ()

    @property
    def text(self) -> str:
        """For people."""
        return to_text(tables_of_evaluation(self.document))


def evaluate_model(
    model_file: Path,
    data: Path,
    *,
    masks: Path | None,
    distort: bool,
    ratios: Sequence[str],
    threads: int,
    checkpoint: Path | None = None,
) -> Evaluation:
    """Measures a model as its task asks for.

    data: folder of undamaged pictures, or of pairs for a model that needs no mask, without
    ``distort``. masks: folder of masks, for an inpainting model. ratios: of the holes, like
    "10-20" in percent, or "box". checkpoint: of the training, for a network with a codebook, whose
    encoder the model file does not hold: the share of codes that are right, and of entries used.

    Raises:
        ExportError: the model's task and what it is to be measured under do not fit.
        ModelError: the file is no model file.
        ValueError: a ratio or a folder of pictures is not one.
    """
    info = read_model_file(model_file).info
    if info.task == "inpaint" and (masks is None or distort):
        raise ExportError(f"{info.name} fills holes: give --masks, and not --distort")
    if info.task != "inpaint" and (masks is not None or checkpoint is not None):
        raise ExportError(f"{info.name} takes no mask: leave out --masks and --checkpoint")
    if info.task == "detect":
        raise ExportError(f"{info.name} is a detector: measure it with --film")
    begun = begin_document("quality", model_file, threads)
    restorer = Restorer.load(model_file, threads=threads)
    if masks is not None:
        rows = [_under_holes(restorer, data, masks, _holes(r), checkpoint) for r in ratios]
    elif distort:
        rows = [
            _on_pairs(restorer, distorted_pairs(data, kind), f"{data.name}, {kind}")
            for kind in FIXED
        ]
    else:
        rows = [_on_pairs(restorer, read_pairs(data), f"{data.parent.name} {data.name}")]
    names = [field.name for field in fields(Quality)]
    quality = tuple(Quality(**{name: row[name] for name in names}) for row in rows)
    return Evaluation(end_document(begun, rows=rows), quality)


def evaluate_film(
    model_file: Path,
    root: Path,
    *,
    threads: int,
    limit: int | None = None,
    detector: Path | None = None,
) -> Evaluation:
    """Measures a detector, or a restorer that looks under its mask, on film damage.

    See :func:`inpaint_export.film_evaluation.detectors.evaluate_film_detector` and
    :func:`inpaint_export.film_evaluation.restorers.evaluate_film_restorer`.

    limit: pictures of each set, for a trial. detector: for a restorer, ``damage`` if None.

    Raises:
        ExportError: the model is neither, or a detector is to be measured and another is given.
    """
    info = read_model_file(model_file).info
    sizes = None if limit is None else Sizes.limited(limit)
    if info.task == "detect":
        if detector is not None:
            raise ExportError(f"{info.name} is a detector: leave out --detector")
        document, detection = evaluate_film_detector(model_file, root, threads=threads, sizes=sizes)
        return Evaluation(document, detection=detection)
    if info.task == "inpaint" and info.kinds:
        document, quality = evaluate_film_restorer(
            model_file, root, detector=detector or DETECTOR, threads=threads, sizes=sizes
        )
        return Evaluation(document, quality)
    raise ExportError(f"{info.name} neither finds nor undoes damage: leave out --film")


def evaluate_reader(
    model_file: Path, root: Path, *, threads: int, limit: int | None = None, peers: bool = True
) -> Evaluation:
    """Measures a reader as :func:`inpaint_export.reading.evaluation.evaluate_reading` does.

    limit: lines of each set, for a trial.
    """
    from inpaint_export.reading.evaluation import ReadingSizes, evaluate_reading

    sizes = None if limit is None else ReadingSizes(limit, limit)
    return Evaluation(evaluate_reading(model_file, root, threads=threads, sizes=sizes, peers=peers))


def evaluate_cleaning(
    model_file: Path,
    root: Path,
    weights: Path | None,
    *,
    threads: int,
    limit: int | None = None,
    with_cbm3d: bool = False,
) -> Evaluation:
    """Measures a model as :func:`inpaint_export.noise.evaluation.evaluate_noise` does.

    weights: folder of FFDNet's; None for ``weights`` beside the data root. limit: pictures of each
    set, for a trial.

    Raises:
        ExportError: the model is not for the task ``enhance``.
    """
    from inpaint_export.noise.evaluation import NoiseSizes, evaluate_noise  # imports SciPy

    info = read_model_file(model_file).info
    if info.task != "enhance":
        raise ExportError(f"{info.name} cleans no pictures: leave out --noise")
    document, quality = evaluate_noise(
        model_file,
        root,
        weights or root.absolute().parent / "weights",
        threads=threads,
        sizes=None if limit is None else NoiseSizes.limited(limit),
        with_cbm3d=with_cbm3d,
    )
    return Evaluation(document, quality)


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


def _under_holes(
    restorer: Restorer, pictures: Path, masks: Path, holes: str, checkpoint: Path | None
) -> dict[str, Any]:
    """Mean scores over a folder of pictures; holes: as :func:`holed_pictures` takes them."""
    samples = holed_pictures(pictures, masks, holes)
    shown = tqdm(samples, desc=f"{restorer.model.name}, {holes}", unit="picture")
    kind = "centred box" if holes == "box" else f"{masks.name} {holes}"
    mean = measure_holes(restorer.restore, shown)
    row = _row(pictures.name, kind, len(samples), mean)
    row |= {name: _rounded(getattr(mean, name)) for name in ("gradient_hole", "perceptual")}
    return row if checkpoint is None else row | code_figures(checkpoint, samples)


def _on_pairs(restorer: Restorer, pairs: Sequence[Pair], data: str) -> dict[str, Any]:
    """Mean scores of a model that needs no mask, and the PSNR of the pictures as they came."""
    shown = tqdm(pairs, desc=f"{restorer.model.name}, {data}", unit="picture")
    mean = score_pairs(restorer.restore, shown)
    row = _row(data, "none", len(pairs), mean)
    errors = [_squared_error(damaged, clear) for damaged, clear in pairs]
    if any(errors):  # without a distortion there is nothing to gain
        row["psnr_damaged"] = round(float(np.mean([psnr_of(error) for error in errors])), 3)
    return row


def _squared_error(picture: Pixels, truth: Pixels) -> float:
    return float(cv2.norm(picture, truth, cv2.NORM_L2SQR)) / truth.size


def _row(data: str, masks: str, pictures: int, mean: Score) -> dict[str, Any]:
    """Rounded for print."""
    return {
        "data": data,
        "masks": masks,
        "pictures": pictures,
        "psnr_hole": _rounded(mean.psnr_hole),
        "psnr": round(mean.psnr, 3),
        "ssim": round(mean.ssim, 5),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
