"""Measures a restorer that needs no mask beside finding damage and filling it, by kind of damage.

Damage that lets the picture through can be undone and not only painted over, so that which of the
two is better depends on the kind. What neither could do better is what the inpainter makes of it
when it is told where the damage is.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
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
    INPAINTER,
    WORSE,
    Clean,
    Sizes,
    composites,
    hard_pictures,
    squared_error,
)
from inpaint_sdk import Quality, Restorer
from inpaint_sdk.runners.detect import widen

DETECTOR = "damage"
"""What finds damage for the inpainter, where no other detector is given."""

NEAR = 3
"""Pixels around a piece in which a change is no change of what was undamaged: halos and margins."""

_Restore = Callable[[Pixels], Pixels]


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

    root: of the data folders; ``photos/val``, ``photos/more`` and ``film`` are used. detector: of
    the peer, by name or model file.

    Raises:
        FileNotFoundError: a folder is not there.
        ModelError: a file is no model file.
    """
    sizes = sizes or Sizes()
    begun = begin_document("film-restoration", model_file, threads)
    title = begun["model"]["name"]
    restorer = Restorer.load(model_file, threads=threads, channels="rgb")
    inpainter = Restorer.load(
        INPAINTER, threads=threads, channels="rgb", detector=detector, precision="fp32"
    )
    found_and_filled = f"found, {INPAINTER}"
    methods: dict[str, _Restore] = {
        title: restorer.restore,
        found_and_filled: inpainter.restore,
    }
    told = f"told, {INPAINTER}"
    tallies = {name: _Tally() for name in ("damaged", *methods, told)}
    for name, item in composites(root, sizes):
        tallies["damaged"].composite(name, item, item.picture)
        filled = inpainter.restore(item.picture, widen(item.truth, 1))
        tallies[told].composite(name, item, filled)
        for method, restore in methods.items():
            started = time.perf_counter()
            restored = restore(item.picture)
            tallies[method].seconds += time.perf_counter() - started
            tallies[method].composite(name, item, restored)
            tallies[method].undamaged("scans", name, item.clean, restore(item.clean))
    for group, name, hard in hard_pictures(root, sizes):
        for method, restore in methods.items():
            restored = restore(hard.picture)
            tallies[method].undamaged(group, name, hard.picture, restored, text=hard.text)
    figures = {name: tally.figures() for name, tally in tallies.items()}
    document = end_document(
        begun,
        inpainter={"name": inpainter.model.name, "digest": inpainter.model.digest},
        detector=str(detector),
        data=sizes.described(root),
        methods=figures,
        better=_better(figures[title], figures[found_and_filled]),
    )
    return document, _rows(tallies[title], figures[title])


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
