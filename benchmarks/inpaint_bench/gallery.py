"""Pictures of the worst and the median case: damaged, each candidate's, the true one, in a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.scores import Pixels

SIDE = 256
"""Of each picture, at most."""

CAPTION = 24
"""Height of the line above each picture, in pixels."""


class Gallery:
    """A group's pictures as small JPEG strips, until the worst and the median are known."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)
        self._strips: list[tuple[float, int, bytes]] = []

    def add(
        self,
        figure: float,
        damaged: Pixels,
        mask: Pixels | None,
        truth: Pixels,
        restored: dict[str, Pixels],
    ) -> None:
        """One sample; figure: of the first candidate, by which cases are ranked."""
        shown = damaged.copy()
        if mask is not None:
            shown[mask > 0] = 255
        named = [("damaged", shown)]
        named += [(label, restored[label]) for label in self._labels if label in restored]
        named.append(("true", truth))
        _, data = cv2.imencode(".jpg", strip(named), [cv2.IMWRITE_JPEG_QUALITY, 90])
        self._strips.append((figure, len(self._strips), data.tobytes()))

    def write(self, folder: Path, name: str) -> None:
        """Writes ``NAME-worst.jpg`` and ``NAME-median.jpg``."""
        ranked = sorted(self._strips)
        folder.mkdir(parents=True, exist_ok=True)
        for case, index in (("worst", 0), ("median", len(ranked) // 2)):
            if ranked:
                path = folder / f"{name.replace(' ', '-')}-{case}.jpg"
                path.write_bytes(ranked[index][2])


def strip(named: Sequence[tuple[str, Pixels]]) -> Pixels:
    """Pictures of one size side by side, each under its name, uint8 BGR."""
    height, width = named[0][1].shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    columns = []
    for name, picture in named:
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        caption = np.full((CAPTION, size[0], 3), 255, np.uint8)
        cv2.putText(caption, name, (2, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
        columns.append(np.vstack([caption, small]))
    return np.hstack(columns)
