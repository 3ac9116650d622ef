"""A small stand-in for the folder of film damage."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

LINES = "hair hair-short lint scratches"
CLUSTERS = "dirt spots sprinkles"
PATCHES = "dots smut stain"


def write_film(root: Path) -> None:
    """Ten shapes of each class, whose brightest value is 200 plus their number, and two frames.

    Frame 01 has a hundred pieces, of all labels; 08, held out, has one of label 3.
    """
    rng = np.random.default_rng(0)
    for name in f"{LINES} {CLUSTERS} {PATCHES}".split():
        folder = root / "film" / "shapes" / name
        folder.mkdir(parents=True)
        for number in range(10):
            shape = np.zeros((80, 60), np.uint8)
            value = 200 + number
            if name in LINES:
                cv2.polylines(shape, [np.int32([[4, 4], [50, 40], [30, 76]])], False, value, 4)
            elif name in CLUSTERS:
                for x, y in rng.integers(6, 54, (20, 2)):
                    cv2.circle(shape, (int(x), int(y)), 3, value, -1)
            else:
                cv2.ellipse(shape, (30, 40), (26, 36), 0, 0, 360, value, -1)
            cv2.imwrite(str(folder / f"{number:03}.png"), shape)
    (root / "film" / "frames").mkdir()
    frame = np.zeros((400, 600), np.uint8)
    for index in range(100):
        x, y = 30 + 55 * (index % 10), 20 + 38 * (index // 10)
        label = 1 + index % 5
        length = 4 if label < 3 else 30
        frame[y : y + 4, x : x + length] = label
    cv2.imwrite(str(root / "film" / "frames" / "01.png"), frame)
    frame = np.zeros((400, 600), np.uint8)
    frame[100:103, 200:240] = 3
    cv2.imwrite(str(root / "film" / "frames" / "08.png"), frame)


def write_photographs(
    root: Path, counts: dict[str, int], size: tuple[int, int] = (340, 330)
) -> None:
    """Smooth pictures, width and height as given: so many in each folder below ``photos``."""
    rng = np.random.default_rng(0)
    for folder, count in counts.items():
        (root / "photos" / folder).mkdir(parents=True)
        for index in range(count):
            coarse = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
            picture = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(root / "photos" / folder / f"{index}.png"), picture)
