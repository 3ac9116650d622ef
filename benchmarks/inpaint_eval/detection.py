"""How well damage is found: F1 by pixels, strict and with a pixel of tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint_eval.pictures import Pixels

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass
class Counts:
    """Pixels, summed over pictures.

    right: found and damaged. wrong: found, not damaged. missed: damaged, not found.
    found_near: found within a pixel of damage. damage_near: damaged within a pixel of what is
    found. undamaged: pixels without damage.
    """

    right: int = 0
    wrong: int = 0
    missed: int = 0
    found_near: int = 0
    damage_near: int = 0
    undamaged: int = 0

    def add(self, found: Pixels, truth: Pixels, ignored: Pixels | None = None) -> None:
        """Counts a picture's pixels.

        found, truth: uint8 [H, W], nonzero where damage is found, or is. ignored: uint8 [H, W],
        nonzero where a pixel does not count, found or not: damage there that nobody could see.
        """
        counted = np.ones(found.shape, bool) if ignored is None else ignored == 0
        marked, damaged = (found > 0) & counted, (truth > 0) & counted
        around_marked = cv2.dilate(marked.astype(np.uint8), _NEIGHBOURS) > 0
        around_damage = cv2.dilate((truth > 0).astype(np.uint8), _NEIGHBOURS) > 0
        self.right += int(np.count_nonzero(marked & damaged))
        self.wrong += int(np.count_nonzero(marked & ~damaged))
        self.missed += int(np.count_nonzero(damaged & ~marked))
        self.found_near += int(np.count_nonzero(marked & around_damage))
        self.damage_near += int(np.count_nonzero(damaged & around_marked))
        self.undamaged += int(np.count_nonzero(counted & ~damaged))

    @property
    def f1(self) -> float:
        """Of pixels that agree exactly; 0 where nothing is damaged and nothing found."""
        return 2.0 * self.right / max(1, 2 * self.right + self.wrong + self.missed)

    @property
    def precision_near(self) -> float:
        """Share of what is found that lies within a pixel of damage."""
        return self.found_near / max(1, self.right + self.wrong)

    @property
    def recall_near(self) -> float:
        """Share of the damage that lies within a pixel of what is found."""
        return self.damage_near / max(1, self.right + self.missed)

    @property
    def f1_near(self) -> float:
        """F1 of :attr:`precision_near` and :attr:`recall_near`."""
        precision, recall = self.precision_near, self.recall_near
        return 2.0 * precision * recall / max(1e-12, precision + recall)

    @property
    def false_positive_rate(self) -> float:
        """Share of the undamaged pixels that are found to be damage."""
        return self.wrong / max(1, self.undamaged)
