"""Real film damage of one split: shapes as alpha masks, and frames whose pieces are marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import Coverage
from inpaint_eval.pictures import read_grey
from inpaint_eval.splits import Split, list_split

SHAPES, FRAMES = "film/shapes", "film/frames"
"""Folders below the data root."""

DUST, DIRT, SHORT_HAIR, LONG_HAIR, SCRATCH = 1, 2, 3, 4, 5
"""What frames' label maps hold; 0 is undamaged."""

_REDUCED = 2
"""Shapes are kept so many times smaller than in the files: 200 pixels are as long as a hair gets
on a scan of 2000 lines, and larger ones may be soft."""

_CLUSTERS = ("dirt", "spots", "sprinkles")
"""Classes whose files hold many specks, from which single ones are taken."""

_MOST_SPECKS = 30
"""Single specks that are taken from one file."""


@dataclass(frozen=True)
class Frame:
    """The pieces of damage on an empty frame, where they lie, in the label map's pixels.

    height, width: of the frame. labels: uint8 [n], :data:`DUST` to :data:`SCRATCH`.
    boxes: int32 [n, 4], left, top, width and height. masks: of the boxes' sizes, 255 in the piece.
    """

    height: int
    width: int
    labels: NDArray[np.uint8]
    boxes: NDArray[np.int32]
    masks: tuple[Coverage, ...]


@dataclass(frozen=True)
class FilmLibrary:
    """Shapes by class and single specks, as alpha masks, 255 = opaque; and frames."""

    shapes: Mapping[str, tuple[Coverage, ...]]
    specks: tuple[Coverage, ...]
    frames: tuple[Frame, ...]

    @classmethod
    def read(cls, root: Path, split: Split) -> FilmLibrary:
        """Reads what is of the split, below the data root: some seconds and 60 MB.

        Raises:
            FileNotFoundError: there is none.
        """
        classes = sorted(path.name for path in (root / SHAPES).iterdir() if path.is_dir())
        shapes = {
            name: tuple(_read_shape(path) for path in list_split(root, f"{SHAPES}/{name}", split))
            for name in classes
        }
        clusters = [shape for name in _CLUSTERS for shape in shapes.get(name, ())]
        specks = tuple(speck for cluster in clusters for speck in _single(cluster))
        frames = tuple(read_frame(path) for path in list_split(root, FRAMES, split))
        return cls(shapes, specks, frames)


def read_frame(path: Path) -> Frame:
    """A frame's label map; each connected area of one label is a piece."""
    labels = read_grey(path)
    kinds: list[int] = []
    boxes: list[NDArray[np.int32]] = []
    masks: list[Coverage] = []
    for label in range(DUST, SCRATCH + 1):
        same = (labels == label).astype(np.uint8)
        count, pieces, statistics, _ = cv2.connectedComponentsWithStats(same, connectivity=8)
        for piece in range(1, count):
            left, top, width, height = statistics[piece, :4]
            inside = pieces[top : top + height, left : left + width] == piece
            kinds.append(label)
            boxes.append(statistics[piece, :4].astype(np.int32))
            masks.append(np.multiply(inside, 255, dtype=np.uint8))
    stacked = np.stack(boxes) if boxes else np.zeros((0, 4), np.int32)
    height, width = labels.shape
    return Frame(height, width, np.array(kinds, np.uint8), stacked, tuple(masks))


def _read_shape(path: Path) -> Coverage:
    shape = read_grey(path)
    size = -(-shape.shape[1] // _REDUCED), -(-shape.shape[0] // _REDUCED)
    return cv2.resize(shape, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _single(cluster: Coverage) -> list[Coverage]:
    """The larger specks of a cluster, cut out one by one."""
    count, pieces, statistics, _ = cv2.connectedComponentsWithStats(
        (cluster > 30).astype(np.uint8), connectivity=8
    )
    order = 1 + np.argsort(-statistics[1:count, cv2.CC_STAT_AREA])[:_MOST_SPECKS]
    specks = []
    for piece in order:
        left, top, width, height, area = statistics[piece]
        if area < 4 or max(width, height) > 60:
            continue
        box = slice(top, top + height), slice(left, left + width)
        specks.append(np.where(pieces[box] == piece, cluster[box], 0).astype(np.uint8))
    return specks
