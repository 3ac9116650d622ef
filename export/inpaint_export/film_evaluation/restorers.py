"""Measures a restorer of damage beside an inpainter, by kind of damage.

Damage that lets the picture through can be undone and not only painted over, so that which of the
two is better depends on the kind. Both restore what a detector finds, and what they are told.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inpaint_eval.film import PIECES, FilmDamaged
from inpaint_eval.pictures import Pixels
from inpaint_eval.scores import psnr_of, score
from inpaint_export.evaluation_file import begin_document, end_document
from inpaint_export.film_evaluation.sets import (
    COMPOSITES,
    HELD_OUT_KINDS,
    INPAINTER,
    WORSE,
    Clean,
    Sizes,
    composites,
    hard_pictures,
    other_damage,
    squared_error,
)
from inpaint_sdk import Quality, Restorer
from inpaint_sdk.options import OVERLAY, DetectionOptions
from inpaint_sdk.policies.policy import SOFT_EDGE
from inpaint_sdk.runners.detect import widen

DETECTOR = "damage"
"""What finds damage, where no other detector is given."""

NEAR = 3
"""Pixels around a piece in which a change is no change of what was undamaged: halos and margins."""

MARGIN = DetectionOptions().dilation
"""Pixels by which true masks are widened, as found ones are."""


@dataclass
class _Tally:
    """What is counted of one method.

    damage: sum of squared errors and number of values, by kind and by sort of pieces. before,
    after, inside: mean squared errors of whole pictures, and after in the damage. seconds: of
    restoring the composites.
    """

    damage: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    clean: dict[str, Clean] = field(default_factory=lambda: defaultdict(Clean))
    seconds: float = 0.0

    def composite(self, name: str, item: FilmDamaged, restored: Pixels) -> None:
        """One damaged picture that was restored."""
        squared = np.square(restored.astype(np.float32) - item.clean).sum(axis=2)
        parts = {
            "all": item.truth,
            **item.kinds,
            **{f"pieces: {p}": item.pieces[p] for p in PIECES},
        }
        for part, where in parts.items():
            self.damage[part][0] += float(squared[where > 0].sum())
            self.damage[part][1] += 3.0 * np.count_nonzero(where)
        self.before.append(squared_error(item.picture, item.clean))
        self.after.append(squared_error(restored, item.clean))
        self.ssim.append(score(restored, item.clean, None).ssim)
        if item.truth.any():
            self.inside.append(float(squared[item.truth > 0].mean()) / 3.0)
        square = np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)
        near = np.asarray(cv2.dilate(np.maximum(item.alpha, item.truth), square), np.uint8)
        self.undamaged("beside damage", name, item.picture, restored, near)

    def undamaged(
        self,
        group: str,
        name: str,
        picture: Pixels,
        restored: Pixels,
        left_out: Pixels | None = None,
        text: Pixels | None = None,
    ) -> None:
        """What was changed where nothing is damaged. left_out: nonzero where that does not hold."""
        changed = (restored != picture).any(axis=2)
        if left_out is not None:
            changed &= left_out == 0
        self.clean[group].add(name, np.multiply(changed, 255, dtype=np.uint8), text)

    def figures(self) -> dict[str, Any]:
        """As the result file has them."""
        each = [(psnr_of(a), psnr_of(b)) for a, b in zip(self.after, self.before, strict=True)]
        change = [after - before for after, before in each]
        return {
            "psnr": _mean([after for after, _ in each]),
            "psnr_in_damage": _mean([psnr_of(error) for error in self.inside]),
            "pooled_in_damage": {
                part: round(psnr_of(total / count), 3)
                for part, (total, count) in self.damage.items()
                if count
            },
            "ssim": round(float(np.mean(self.ssim)), 5),
            "made_worse": sum(c < -WORSE for c in change),
            "worst_change": round(min(change), 3),
            "undamaged": {group: clean.figures() for group, clean in self.clean.items()},
            "seconds": round(self.seconds, 1),
        }


def evaluate_film_restorer(
    model_file: Path,
    root: Path,
    *,
    detector: str | Path = DETECTOR,
    threads: int,
    sizes: Sizes | None = None,
) -> tuple[dict[str, Any], tuple[Quality, ...]]:
    """Measures a restorer and its peers; returns the result, and rows for the model file.

    root: of the data folders; ``photos/val``, ``photos/more`` and ``film`` are used. detector: by
    name or model file.

    Raises:
        FileNotFoundError: a folder is not there.
        ModelError: a file is no model file.
    """
    sizes = sizes or Sizes()
    begun = begin_document("film-restoration", model_file, threads)
    title = begun["model"]["name"]
    models: dict[str, str | Path] = {title: model_file, INPAINTER: INPAINTER}
    restorers = {
        name: Restorer.load(
            model, threads=threads, channels="rgb", detector=detector, precision="fp32"
        )
        for name, model in models.items()
    }
    margins = {name: MARGIN + (SOFT_EDGE if name == title else 0) for name in models}
    tallies = {"damaged": _Tally()}
    tallies |= {f"{how}, {name}": _Tally() for how in ("found", "told") for name in models}
    for name, item in composites(root, sizes):
        tallies["damaged"].composite(name, item, item.picture)
        for method, restorer in restorers.items():
            told = restorer.restore(item.picture, widen(item.truth, margins[method]))
            tallies[f"told, {method}"].composite(name, item, told)
            found = tallies[f"found, {method}"]
            started = time.perf_counter()
            restored = restorer.restore(item.picture)
            found.seconds += time.perf_counter() - started
            found.composite(name, item, restored)
            found.undamaged("scans", name, item.clean, restorer.restore(item.clean))
    for group, name, hard in hard_pictures(root, sizes):
        for method, restorer in restorers.items():
            restored = restorer.restore(hard.picture)
            tallies[f"found, {method}"].undamaged(
                group, name, hard.picture, restored, text=hard.text
            )
    figures = {name: tally.figures() for name, tally in tallies.items()}
    inpainter = restorers[INPAINTER].model
    mine, others = f"found, {title}", f"found, {INPAINTER}"
    document = end_document(
        begun,
        inpainter={"name": inpainter.name, "digest": inpainter.digest},
        detector=str(detector),
        data=sizes.described(root),
        methods=figures,
        better=_better(figures[mine], figures[others]),
        other_damage=_other_damage(restorers, margins, root, sizes.held_out),
    )
    return document, _rows(tallies[mine], figures[mine])


def _other_damage(
    restorers: Mapping[str, Restorer], margins: Mapping[str, int], root: Path, count: int
) -> dict[str, dict[str, float]]:
    """Mean PSNR in another drawer's damage, by its name: as it came, and as each restores it.

    They are told where it is.
    """
    figures: dict[str, dict[str, float]] = {}
    for kind in (kind for kind in HELD_OUT_KINDS if kind != OVERLAY):
        errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for name, damaged, clean in other_damage(root, kind, count):
            where = damaged.mask > 0
            restored = {"damaged": damaged.picture}
            for method, restorer in restorers.items():
                mask = widen(damaged.mask, margins[method])
                restored[method] = restorer.restore(damaged.picture, mask)
            for method, picture in restored.items():
                errors[name][method].append(squared_error(picture[where], clean[where]))
        for name, methods in errors.items():
            figures[name] = {m: _mean([psnr_of(e) for e in each]) for m, each in methods.items()}
    return figures


def _better(mine: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """By how many dB the restorer is better in the damage, by kind and sort of pieces."""
    parts = mine["pooled_in_damage"]
    return {
        part: round(value - other["pooled_in_damage"][part], 3) for part, value in parts.items()
    }


def _rows(tally: _Tally, figures: Mapping[str, Any]) -> tuple[Quality, ...]:
    """For the model file: the hole's PSNR is that in the damage, though no mask was given."""
    return (
        Quality(
            data=COMPOSITES,
            masks="none",
            pictures=len(tally.after),
            psnr_hole=figures["psnr_in_damage"],
            psnr=figures["psnr"],
            ssim=figures["ssim"],
        ),
    )


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 3) if values else 0.0
