"""Validation of detectors that tell kinds of damage apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inpaint_eval.detection import Counts
from inpaint_eval.film import FilmDamage
from inpaint_eval.film_library import FilmLibrary
from inpaint_export.data.film_damage import (
    FAMILIES,
    KINDS,
    LabelledDamage,
    damage_by_kind,
)
from inpaint_export.data.photos import Picture, read_rgb
from inpaint_export.training.validation import centre_crop, evenly_spread, to_unit_tensor
from inpaint_sdk.options import OVERLAY, DetectionOptions
from inpaint_sdk.runners.detect import find_regions

THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Probabilities among which each kind's threshold is chosen."""

FALSE_POSITIVES = 1e-4
"""Share of the pixels of undamaged pictures that a kind may mark: five kinds mark 0.05 %."""

OF_BEST = 0.95
"""Share of the best F1 that is enough for kinds that are looked for without being asked for.

F1 is flat around its best, while what is marked in undamaged brick, hair and lights falls to a half
from there to this: there are more undamaged pixels in people's pictures than in these."""


@dataclass(frozen=True)
class KindValidationConfig:
    """F1 by kind on photographs that are not trained on, damaged by a fixed seed.

    The damage is of the training split: the held-out frames and shapes are for measuring a model
    that is finished.

    folder: of photographs, below the data root. count: of them under each family of damage.
    undamaged: of them as they are, and again aged, grainy and with text in the scene.
    every: steps between validations.
    """

    folder: str
    count: int = 12
    undamaged: int = 40
    every: int = 500
    seed: int = 2026

    def open(self, root: Path) -> KindValidation:
        """Reads and damages the photographs."""
        film = FilmDamage(FilmLibrary.read(root, "train"))

        def crops(count: int) -> list[Picture]:
            paths = evenly_spread(root / self.folder, count)
            return [centre_crop(read_rgb(path)) for path in paths]

        def draw(crop: Picture, family: str, index: int, text_share: float) -> LabelledDamage:
            rng = np.random.default_rng((self.seed, list(FAMILIES).index(family), index))
            return damage_by_kind(rng, crop, film, {family: 1.0}, text_share)

        damaged = [
            draw(crop, family, index, 0.2)
            for index, crop in enumerate(crops(self.count))
            for family in FAMILIES
            if family != "none"
        ]
        plain = crops(self.undamaged)
        aged = [draw(crop, "none", index, 0.5).picture for index, crop in enumerate(plain)]
        return KindValidation(damaged, plain + aged)


@dataclass(frozen=True)
class KindScore:
    """How well one kind is found at the threshold that is chosen for it.

    threshold: of probability. f1: with a pixel of tolerance. false_positives: share of the pixels
    of undamaged pictures that are marked. best_f1: of all thresholds that are allowed, which does
    not leap when a threshold does.
    """

    threshold: float
    f1: float
    false_positives: float
    best_f1: float = 0.0


class KindValidation:
    """Damaged and undamaged pictures, made once."""

    figure = "f1_near"

    def __init__(self, damaged: Sequence[LabelledDamage], undamaged: Sequence[Picture]) -> None:
        self.damaged = damaged
        self.undamaged = undamaged
        self.details: Mapping[str, float] = {}
        """Of the last measurement, by kind: the fields of :class:`KindScore`."""
        self.thresholds: Mapping[str, float] = {}
        """Of the last measurement, by kind."""

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        """Mean over kinds of the best F1 with a pixel of tolerance, at thresholds that are allowed.

        Allowed are those of ``THRESHOLDS`` at which a kind marks no more than ``FALSE_POSITIVES``
        of undamaged pictures, or else the highest. Of them the one that is chosen is the highest
        that reaches ``OF_BEST`` of the best F1; of overlays, which are there when they are asked
        for, the best.
        """
        was_training = model.training
        model.eval()
        scores = self._scores(model, device)
        model.train(was_training)
        self.thresholds = {kind: score.threshold for kind, score in scores.items()}
        self.details = {
            f"{kind}_{name}": round(value, 6)
            for kind, score in scores.items()
            for name, value in vars(score).items()
        }
        return float(np.mean([score.best_f1 for score in scores.values()]))

    def _scores(self, model: nn.Module, device: torch.device) -> dict[str, KindScore]:
        def probabilities(picture: Picture) -> NDArray[np.float32]:
            found: NDArray[np.float32] = model(to_unit_tensor(picture).to(device))[0].cpu().numpy()
            return found

        counts = {(kind, t): Counts() for kind in KINDS for t in THRESHOLDS}
        for item in self.damaged:
            found = probabilities(item.picture)
            for (kind, threshold), count in counts.items():
                channel = KINDS.index(kind)
                marked = marked_at(found[channel], threshold)
                count.add(marked, item.kinds[channel], item.ignored)
        wrong = dict.fromkeys(counts, 0)
        for picture in self.undamaged:
            found = probabilities(picture)
            for kind, threshold in counts:
                marked = marked_at(found[KINDS.index(kind)], threshold)
                wrong[kind, threshold] += int(np.count_nonzero(marked))
        pixels = max(1, sum(picture.shape[0] * picture.shape[1] for picture in self.undamaged))
        scores = {}
        for kind in KINDS:
            tried = [
                KindScore(t, counts[kind, t].f1_near, wrong[kind, t] / pixels) for t in THRESHOLDS
            ]
            scores[kind] = _choose(tried, of_best=1.0 if kind == OVERLAY else OF_BEST)
        return scores


def marked_at(probability: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """What users find when a threshold is folded into a kind's logits: uint8 [H, W], 255 there.

    Regions that are not sure as a whole are left out, as the SDK does by default.
    """
    if not (probability >= threshold).any():
        return np.zeros(probability.shape, np.uint8)
    # Of logits that are shifted so that the threshold becomes a half.
    odds = probability * np.float32((1.0 - threshold) / threshold)
    shifted = odds / (odds + np.float32(1.0) - probability)
    return find_regions(shifted, DetectionOptions())


def _choose(scores: Sequence[KindScore], of_best: float) -> KindScore:
    """See :meth:`KindValidation.measure`."""
    allowed = [s for s in scores if s.false_positives <= FALSE_POSITIVES] or [scores[-1]]
    best = max(score.f1 for score in allowed)
    enough = [score for score in allowed if score.f1 >= of_best * best]
    return replace(max(enough, key=lambda score: score.threshold), best_f1=best)
