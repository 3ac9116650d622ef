"""Measures a detector as it will be used: through the SDK, on damage that training never draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_eval.damage import KINDS, damaged_pictures
from inpaint_eval.detection import Counts
from inpaint_eval.evaluations import PSNR
from inpaint_eval.pictures import Pixels, list_pictures
from inpaint_eval.timing import time_in_turns
from inpaint_export.data.photos import read_rgb
from inpaint_export.evaluation_file import begin_document, end_document
from inpaint_sdk import DetectionQuality, Restorer

INPAINTER = "photo"
"""Restores what is found, to see what the finding is worth."""

TIMED_SIDE = 512
BLOCKS = 8


def evaluate_detector(
    model_file: Path, folder: Path, threads: int
) -> tuple[dict[str, Any], tuple[DetectionQuality, ...]]:
    """Measures a detector on a folder of undamaged pictures.

    Returns the result, and rows for the model file: one for each kind of damage, "all kinds" and
    "none". "all kinds" is the mean over kinds, so that wide damage does not outweigh thin.
    """
    begun = begin_document("detection", model_file, threads)
    restorer = Restorer.load(INPAINTER, threads=threads, channels="rgb", detector=model_file)
    counts = {kind: Counts() for kind in KINDS}
    figures: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    pictures = len(list_pictures(folder))
    total = len(KINDS) * pictures
    items = tqdm(damaged_pictures(folder), total=total, desc=model_file.stem, unit="picture")
    for kind, clean, damaged, mask in items:
        counts[kind].add(restorer.detect(damaged).mask, mask)
        restored = damaged, restorer.restore(damaged), restorer.restore(damaged, mask)
        figures[kind].append([_psnr(picture, clean) for picture in restored])

    undamaged = Counts()
    for path in list_pictures(folder):
        found = restorer.detect(read_rgb(path)).mask
        undamaged.add(found, np.zeros_like(found))

    rows = [
        {
            "kind": kind,
            "f1": round(count.f1, 4),
            "f1_near": round(count.f1_near, 4),
            "false_positive_rate": round(count.false_positive_rate, 6),
            **dict(zip(PSNR, np.mean(figures[kind], axis=0).round(3).tolist(), strict=True)),
        }
        for kind, count in counts.items()
    ]
    means = {
        name: round(float(np.mean([r[name] for r in rows])), 6)
        for name in rows[0]
        if name != "kind"
    }
    rows.append({"kind": "all kinds", **means})
    rows.append({"kind": "none", "false_positive_rate": round(undamaged.false_positive_rate, 6)})
    document = end_document(
        begun,
        data=folder.name,
        pictures=pictures,
        rows=rows,
        milliseconds=round(_milliseconds(restorer, folder), 2),
        timed_side=TIMED_SIDE,
    )
    return document, tuple(_quality(folder.name, pictures, row) for row in rows)


def _quality(data: str, pictures: int, row: Mapping[str, Any]) -> DetectionQuality:
    kind, f1 = row["kind"], row.get("f1")
    count = pictures * (len(KINDS) if kind == "all kinds" else 1)
    return DetectionQuality(
        data, kind, count, None if f1 is None else round(f1, 4), row["false_positive_rate"]
    )


def _psnr(picture: Pixels, clean: Pixels) -> float:
    """In dB; an exact picture counts as 100, so that means stay finite."""
    return min(100.0, float(cv2.PSNR(picture, clean)))


def _milliseconds(restorer: Restorer, folder: Path) -> float:
    picture = read_rgb(list_pictures(folder)[0])
    picture = np.asarray(cv2.resize(picture, (TIMED_SIDE, TIMED_SIDE)), np.uint8)
    times = time_in_turns({"detect": lambda: restorer.detect(picture)}, blocks=BLOCKS)
    return times["detect"].p50
