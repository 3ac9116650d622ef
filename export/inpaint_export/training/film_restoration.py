"""What the restorer of film and old photographs minimises, and what it is validated by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_export.data.film_damage import KINDS, LabelledDamage
from inpaint_export.models.film import FilmRestorer
from inpaint_export.models.kind_detector import KindDetector
from inpaint_export.training.kind_validation import KindValidationConfig
from inpaint_export.training.objective import (
    Batch,
    HoleWeights,
    TwoStageObjective,
    hole_terms,
    weighted,
)
from inpaint_export.training.start import load_weights
from inpaint_export.training.validation import to_unit_tensor
from inpaint_sdk.models.zoo import open_model
from inpaint_sdk.options import DetectionOptions

EARLY = HoleWeights(rmse=1.0, l1=0.5, gradient=0.25)
LATE = HoleWeights(log_mse=0.05, l1=0.1, gradient=0.1)

MIN_DAMAGED = 20
"""Pixels of physical damage from which on a picture is validated on."""

WORSE = 0.1
"""In dB; a picture that loses more was made worse."""


MARGIN = 2
"""Pixels around damage that are restored, too: edges are soft, and scanners' halos wide."""

RESTORED = [KINDS.index(kind) for kind in FilmRestorer.kinds]
"""Channels of a detector's kinds that are restored."""


def bundled_detector() -> KindDetector:
    """``damage`` as it comes with the package."""
    detector = KindDetector()
    load_weights(open_model("damage").path, detector)
    return detector


class FilmRestoration(TwoStageObjective[HoleWeights]):
    """Supervised restoration of what is marked, in two stages: hard pictures, then the mean PSNR.

    The losses are of what the batch's ``mask`` marks, [N, 1, H, W], the only pixels that are
    changed. Where it is wrong, ``clear`` is as ``image``, so that the network learns to leave
    undamaged pixels alone that are marked. The inpainter within is held.

    detector: finds damage; it is held. detected: share of each batch that in the second stage is
    restored where it finds some; drawn faults are cheaper, its own are the ones that count.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        early: HoleWeights = EARLY,
        late: HoleWeights = LATE,
        switch: float = 0.6,
        detector: Callable[[], nn.Module] = bundled_detector,
        detected: float = 0.25,
    ) -> None:
        super().__init__(model, early, late, switch)
        self.detector = detector()
        self.detected = detected
        assert isinstance(model, FilmRestorer)
        self.freeze(self.detector, model.inpainter)

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        image, clear, mask = batch["image"], batch["clear"], batch["mask"]
        count = round(self.detected * len(image)) if self.progress >= self.switch else 0
        if count:
            mask = torch.cat((self._found(image[:count]).to(mask.dtype), mask[count:]))
        terms = hole_terms(self.model(image, mask).float(), clear, mask)
        self.note(**terms)
        yield "model", weighted(terms, self.weights)

    @torch.no_grad()
    def _found(self, image: Tensor) -> Tensor:
        """1 where the detector finds damage, and around, else 0."""
        probability = self.detector(image)[:, RESTORED].amax(dim=1, keepdim=True)
        return _widened((probability >= DetectionOptions().threshold).float())


def _widened(marks: Tensor) -> Tensor:
    return F.max_pool2d(marks, 2 * MARGIN + 1, stride=1, padding=MARGIN)


@dataclass(frozen=True)
class FilmValidationConfig:
    """PSNR in the damage on photographs that are not trained on, damaged by a fixed seed.

    The pictures are those that detectors are validated on: see :class:`KindValidationConfig`.

    folder: of photographs, below the data root. count: of them under each family of damage.
    every: steps between validations.
    """

    folder: str
    count: int = 16
    every: int = 500
    seed: int = 2026

    def open(self, root: Path) -> FilmValidation:
        """Reads and damages the photographs."""
        kinds = KindValidationConfig(self.folder, self.count, 0, self.every, self.seed)
        return FilmValidation(kinds.open(root).damaged)


class FilmValidation:
    """Damaged pictures, made once, where they have physical damage."""

    figure = "damage_psnr"

    def __init__(self, damaged: Sequence[LabelledDamage]) -> None:
        self.damaged = [d for d in damaged if np.count_nonzero(d.physical) >= MIN_DAMAGED]
        self.details: Mapping[str, float] = {}
        """Of the last measurement: PSNR in the damage of the ``input``; of whole pictures,
        ``input_whole`` and ``whole``; where undamaged ones are ``marked_wrongly``; and how many
        damaged ones were ``made_worse``."""

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        """Mean over pictures of the PSNR in the physical damage, which is marked, in dB."""
        was_training = model.training
        model.eval()
        rows = [self._row(model, item, device) for item in self.damaged]
        model.train(was_training)
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        worse = sum(row["whole"] < row["input_whole"] - WORSE for row in rows)
        figure = means.pop("damage")
        self.details = {**{n: round(v, 4) for n, v in means.items()}, "made_worse": worse}
        return figure

    @staticmethod
    def _row(model: nn.Module, item: LabelledDamage, device: torch.device) -> dict[str, float]:
        picture, clean = (to_unit_tensor(p).to(device) for p in (item.picture, item.clean))
        damage = torch.from_numpy(item.physical).to(device)[None, None].float() / 255.0
        mask, whole = _widened(damage), torch.ones_like(damage)
        restored = model(picture, mask)
        elsewhere = mask.flip(-1)
        return {
            "damage": _psnr(restored, clean, damage),
            "input": _psnr(picture, clean, damage),
            "whole": _psnr(restored, clean, whole),
            "input_whole": _psnr(picture, clean, whole),
            "marked_wrongly": _psnr(model(clean, elsewhere), clean, elsewhere),
        }


def _psnr(picture: Tensor, clean: Tensor, mask: Tensor) -> float:
    error = ((picture.clamp(0.0, 1.0) - clean).square() * mask).sum() / (3.0 * mask.sum())
    return float(-10.0 * torch.log10(error + 1e-10))
