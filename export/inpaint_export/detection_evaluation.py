"""Measures a detector as it will be used: through the SDK, on damage that training never draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_eval.damage import KINDS, damaged_pictures
from inpaint_eval.detection import Counts
from inpaint_eval.pictures import Pixels, list_pictures
from inpaint_eval.timing import time_in_turns
from inpaint_export.data.photos import read_rgb
from inpaint_sdk import DetectionQuality, Restorer

INPAINTER = "photo"
"""Restores what is found, to see what the finding is worth."""

TIMED_SIDE = 512
BLOCKS = 8


@dataclass(frozen=True)
class Restoration:
    """Mean PSNR over pictures, in dB, of one kind of damage.

    damaged: as they came. found: restored where the detector found damage. true: restored where it
    is.
    """

    damaged: float
    found: float
    true: float


@dataclass(frozen=True)
class DetectionReport:
    """quality: for each kind, "all kinds" and "none". restoration: for each kind and "all kinds".

    f1_near: F1 with a pixel of tolerance, for each kind and "all kinds".
    milliseconds: median of one run of ``detect`` on a picture of ``TIMED_SIDE`` pixels a side.
    """

    quality: tuple[DetectionQuality, ...]
    restoration: dict[str, Restoration]
    f1_near: dict[str, float]
    milliseconds: float


def evaluate_detector(model_file: Path, folder: Path, threads: int) -> DetectionReport:
    """Measures a detector on a folder of undamaged pictures.

    "all kinds" is the mean over kinds, so that wide damage does not outweigh thin.
    """
    restorer = Restorer.load(INPAINTER, threads=threads, channels="rgb", detector=model_file)
    counts = {kind: Counts() for kind in KINDS}
    figures: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    total = len(KINDS) * len(list_pictures(folder))
    items = tqdm(damaged_pictures(folder), total=total, desc=model_file.stem, unit="picture")
    for kind, clean, damaged, mask in items:
        counts[kind].add(restorer.detect(damaged).mask, mask)
        pictures = damaged, restorer.restore(damaged), restorer.restore(damaged, mask)
        figures[kind].append(tuple(_psnr(picture, clean) for picture in pictures))  # type: ignore[arg-type]

    undamaged = Counts()
    for path in list_pictures(folder):
        found = restorer.detect(read_rgb(path)).mask
        undamaged.add(found, np.zeros_like(found))

    count = len(list_pictures(folder))
    rows = [_row(folder, kind, count, c.f1, c.false_positive_rate) for kind, c in counts.items()]
    mean_f1 = float(np.mean([c.f1 for c in counts.values()]))
    mean_marked = float(np.mean([c.false_positive_rate for c in counts.values()]))
    rows.append(_row(folder, "all kinds", count * len(KINDS), mean_f1, mean_marked))
    rows.append(_row(folder, "none", count, None, undamaged.false_positive_rate))
    restoration = {kind: Restoration(*np.mean(f, axis=0)) for kind, f in figures.items()}
    everything = np.mean([f for rows_ in figures.values() for f in rows_], axis=0)
    restoration["all kinds"] = Restoration(*everything)
    near = {kind: c.f1_near for kind, c in counts.items()}
    near["all kinds"] = float(np.mean(list(near.values())))
    return DetectionReport(tuple(rows), restoration, near, _milliseconds(restorer, folder))


def markdown(report: DetectionReport) -> str:
    """The report as people read it."""
    lines = [
        "| damage | F1 | F1 within a pixel | undamaged pixels marked | PSNR damaged "
        "| found and restored | true mask |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in report.quality:
        cells = [
            row.kind,
            "" if row.f1 is None else f"{row.f1:.3f}",
            "" if row.f1 is None else f"{report.f1_near[row.kind]:.3f}",
            f"{100.0 * row.false_positive_rate:.3f} %",
        ]
        restored = report.restoration.get(row.kind)
        if restored is not None:
            values = (restored.damaged, restored.found, restored.true)
            cells += [f"{value:.2f} dB" for value in values]
        lines.append("| " + " | ".join(cells + [""] * (7 - len(cells))) + " |")
    lines.append(f"\ndetect at {TIMED_SIDE}x{TIMED_SIDE}: {report.milliseconds:.1f} ms (median)")
    return "\n".join(lines)


def _row(
    folder: Path, kind: str, pictures: int, f1: float | None, marked: float
) -> DetectionQuality:
    rounded = None if f1 is None else round(f1, 4)
    return DetectionQuality(folder.name, kind, pictures, rounded, round(marked, 6))


def _psnr(picture: Pixels, clean: Pixels) -> float:
    """In dB; an exact picture counts as 100, so that means stay finite."""
    return min(100.0, float(cv2.PSNR(picture, clean)))


def _milliseconds(restorer: Restorer, folder: Path) -> float:
    picture = read_rgb(list_pictures(folder)[0])
    picture = np.asarray(cv2.resize(picture, (TIMED_SIDE, TIMED_SIDE)), np.uint8)
    times = time_in_turns({"detect": lambda: restorer.detect(picture)}, blocks=BLOCKS)
    return times["detect"].p50
