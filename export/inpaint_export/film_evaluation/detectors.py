"""Measures a detector, by kind of damage and of piece, and what is restored by what it finds.

Beside it stands the median residual, tuned on the shapes and frames that are trained on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inpaint_eval.detection import Counts
from inpaint_eval.evaluations import CLEAN, PSNR
from inpaint_eval.film import FilmDamage, FilmDamaged, StraightScratches, film_pictures
from inpaint_eval.film_library import FilmLibrary
from inpaint_eval.median import MedianResidual, tune
from inpaint_eval.pictures import Pixels
from inpaint_export.evaluation_file import begin_document, end_document
from inpaint_export.film_evaluation.sets import (
    COMPOSITES,
    FOLDERS,
    HELD_OUT_KINDS,
    INPAINTER,
    WORSE,
    Clean,
    Sizes,
    composites,
    hard_pictures,
    other_damage,
    psnrs,
    rounded,
    shown,
    squared_error,
)
from inpaint_sdk import DetectionQuality, Options, Restorer
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.options import DetectionOptions
from inpaint_sdk.runners.detect import Detection, find_regions, widen

GROUPS: Mapping[str, str] = {"dust": "speck", "hair": "scratch", "scratch": "scratch"}
"""Sorts of pieces, as people tell them apart, to the kind that a detector calls them."""

MOST_MARKED = 0.0005
"""Share of clean pictures that the second median residual may mark, as the bar has it."""

STRAIGHT, TUNED = 28, 27
"""Seeds of the straight scratches, and of what the peer is tuned on."""


@dataclass(frozen=True)
class _Found:
    """mask, kinds: uint8 [H, W], 255 there. restored: RGB."""

    mask: Pixels
    kinds: Mapping[str, Pixels]
    restored: Pixels


class _DetectorMethod:
    """A model file, through the SDK with its default options."""

    def __init__(self, model_file: Path, restorer: Restorer) -> None:
        self.restorer = restorer
        self.kinds = read_model_file(model_file).info.kinds

    def detect(self, picture: Pixels) -> Pixels:
        return self.restorer.detect(picture).mask

    def run(self, picture: Pixels) -> _Found:
        result = self.restorer.run(picture)
        detection = result.detection
        assert isinstance(detection, Detection)
        kinds = {kind: detection.kind_mask(kind) for kind in detection.sought}
        return _Found(detection.mask, kinds, result.image)


class _MedianMethod:
    """The peer; what it marks is of every kind."""

    kinds: tuple[str, ...] = ()

    def __init__(self, median: MedianResidual, restorer: Restorer) -> None:
        self.median = median
        self.restorer = restorer

    def detect(self, picture: Pixels) -> Pixels:
        return self.median.find(picture)

    def run(self, picture: Pixels) -> _Found:
        mask = self.detect(picture)
        widened = widen(mask, DetectionOptions().dilation)
        # A mask of everything leaves nothing to restore from, as with a detector.
        whole = np.count_nonzero(widened) > 0.95 * widened.size
        restored = picture if whole else self.restorer.restore(picture, widened)
        return _Found(mask, {}, restored)


_Method = _DetectorMethod | _MedianMethod


@dataclass
class _Tally:
    """What is counted of one method."""

    method: _Method
    all: Counts = field(default_factory=Counts)
    but_stains: Counts = field(default_factory=Counts)
    kinds: dict[str, Counts] = field(default_factory=dict)
    groups: dict[str, Counts] = field(default_factory=lambda: {g: Counts() for g in GROUPS})
    straight: Counts = field(default_factory=Counts)
    clean: dict[str, Clean] = field(default_factory=dict)
    errors: list[tuple[float, float, float]] = field(default_factory=list)
    visible: list[bool] = field(default_factory=list)
    seconds: float = 0.0

    def composite(self, name: str, item: FilmDamaged, true_restored: Pixels) -> None:
        """One damaged picture and the same without damage."""
        started = time.perf_counter()
        found = self.method.run(item.picture)
        truth = item.truth
        self.all.add(found.mask, truth, item.ignored)
        pieces = np.maximum.reduce([item.pieces[group] for group in GROUPS])
        stained = np.where(pieces > 0, np.uint8(0), truth)
        self.but_stains.add(found.mask, pieces, np.maximum(item.ignored, stained))
        for kind, where in item.kinds.items():
            if kind in found.kinds:
                count = self.kinds.setdefault(kind, Counts())
                count.add(found.kinds[kind], where, item.ignored)
        for group, count in self.groups.items():
            _count_group(count, found, item.pieces[group], truth, item.ignored, GROUPS[group])
        pictures = (item.picture, found.restored, true_restored)
        self.errors.append(tuple(squared_error(p, item.clean) for p in pictures))  # type: ignore[arg-type]
        self.visible.append(bool(truth.any()))
        self.undamaged("scans", name, self.method.detect(item.clean))
        self.seconds += time.perf_counter() - started

    def undamaged(self, group: str, name: str, mask: Pixels, text: Pixels | None = None) -> None:
        """A picture without damage."""
        self.clean.setdefault(group, Clean()).add(name, mask, text)

    def figures(self) -> dict[str, Any]:
        """As the result file has them."""
        errors = np.array(self.errors)
        each = psnrs(errors)
        change = each[:, 1] - each[:, 0]
        means = each[self.visible].mean(axis=0) if any(self.visible) else each.mean(axis=0)
        pooled = psnrs(errors.mean(axis=0))
        return {
            "all": _f1(self.all),
            "but_stains": _f1(self.but_stains),
            "kinds": {kind: _f1(count) for kind, count in self.kinds.items()},
            "groups": {group: _f1(count) for group, count in self.groups.items()},
            "straight": _f1(self.straight),
            "undamaged": {name: clean.figures() for name, clean in self.clean.items()},
            "restored": {
                "pictures": len(errors),
                "visibly_damaged": sum(self.visible),
                **dict(zip(PSNR, rounded(means), strict=True)),
                **dict(zip((f"pooled_{name}" for name in PSNR), rounded(pooled), strict=True)),
                "made_worse": int((change < -WORSE).sum()),
                "worst_change": round(float(change.min()), 3),
            },
            "seconds": round(self.seconds, 1),
        }


def _count_group(
    count: Counts, found: _Found, truth: Pixels, damaged: Pixels, ignored: Pixels, kind: str
) -> None:
    """Counts one sort of pieces.

    A piece counts as found whatever kind it is called. A mark where nothing is damaged counts
    against the sorts that its kind stands for; the other sorts' pieces do not count at all.
    """
    square = np.ones((3, 3), np.uint8)
    around = cv2.dilate(truth, square) > 0
    mine = found.kinds.get(kind, found.mask)
    others = cv2.dilate(np.where(truth > 0, np.uint8(0), damaged), square) > 0
    left_out = np.where(others & (truth == 0), np.uint8(255), ignored)
    count.add(np.where(around, found.mask, mine), truth, left_out)


def _f1(count: Counts) -> dict[str, float]:
    return {
        "f1": round(count.f1, 4),
        "f1_near": round(count.f1_near, 4),
        "precision_near": round(count.precision_near, 4),
        "recall_near": round(count.recall_near, 4),
    }


def evaluate_film_detector(
    model_file: Path, root: Path, *, threads: int, sizes: Sizes | None = None
) -> tuple[dict[str, Any], tuple[DetectionQuality, ...]]:
    """Measures a detector and its peer; returns the result, and rows for the model file.

    root: of the data folders; ``photos/val``, ``photos/more`` and ``film`` are used.

    Raises:
        FileNotFoundError: a folder is not there.
        ModelError: the file is no model file.
    """
    sizes = sizes or Sizes()
    begun = begin_document("film-detection", model_file, threads)
    restorer = Restorer.load(
        INPAINTER, threads=threads, channels="rgb", detector=model_file, precision="fp32"
    )
    title = begun["model"]["name"]
    tuning = FilmDamage(FilmLibrary.read(root, "train"))
    tuned_on = list(film_pictures(root, FOLDERS[0], seed=TUNED, limit=sizes.tuned, damage=tuning))
    medians = {
        "median residual": tune(tuned_on),
        f"median residual, {100 * MOST_MARKED:.2f} % of clean": tune(tuned_on, MOST_MARKED),
    }
    tallies = {title: _Tally(_DetectorMethod(model_file, restorer))}
    tallies |= {n: _Tally(_MedianMethod(median, restorer)) for n, median in medians.items()}

    for name, item in composites(root, sizes):
        true_restored = restorer.restore(item.picture, widen(item.truth, 1))
        for tally in tallies.values():
            tally.composite(name, item, true_restored)
    straight = film_pictures(
        root, FOLDERS[0], seed=STRAIGHT, limit=sizes.straight, damage=StraightScratches()
    )
    for item in shown(straight, "straight scratches", sizes.straight):
        for tally in tallies.values():
            found = tally.method.detect(item.picture)
            tally.straight.add(found, item.pieces["scratch"], item.ignored)
    for group, name, picture in hard_pictures(root, sizes):
        for tally in tallies.values():
            mask = tally.method.detect(picture.picture)
            tally.undamaged(group, name, mask, picture.text)
            if group == "hard, drawn":
                tally.undamaged(picture.kind, name, mask, picture.text)

    document = end_document(
        begun,
        inpainter={"name": restorer.model.name, "digest": restorer.model.digest},
        data={
            **sizes.described(root),
            "tuned_on": f"{len(tuned_on)} of {FOLDERS[0]} under the other frames and shapes",
        },
        peers={name: asdict(median) for name, median in medians.items()},
        methods={name: tally.figures() for name, tally in tallies.items()},
        other_damage=_other_damage(restorer, tallies[title].method.kinds, root, sizes.held_out),
    )
    return document, _rows(tallies[title])


def _other_damage(
    restorer: Restorer, kinds: tuple[str, ...], root: Path, count: int
) -> dict[str, dict[str, float]]:
    """F1 of each of a detector's kinds when that kind is looked for, under another drawer's."""
    figures: dict[str, dict[str, float]] = {}
    for kind in (kind for kind in HELD_OUT_KINDS if kind in kinds):
        counts = Counts()
        options = Options(kinds=frozenset({kind}))
        for _, damaged, _ in other_damage(root, kind, count):
            detection = restorer.detect(damaged.picture, options=options)
            found = find_regions(detection.probability(kind), options.detection)
            counts.add(found, damaged.mask)
        figures[kind] = _f1(counts)
    return figures


def _rows(tally: _Tally) -> tuple[DetectionQuality, ...]:
    """For the model file: strict F1 by kind on the composites, and marks on clean pictures."""
    data, pictures = COMPOSITES, len(tally.errors)
    counts = {**tally.kinds, "all kinds": tally.all}
    rows = [
        DetectionQuality(data, kind, pictures, round(c.f1, 4), round(c.false_positive_rate, 6))
        for kind, c in counts.items()
    ]
    for group in CLEAN:
        clean = tally.clean[group]
        marked = round(clean.marked / max(1, clean.pixels), 6)
        rows.append(DetectionQuality(f"undamaged {group}", "none", clean.pictures, None, marked))
    return tuple(rows)
