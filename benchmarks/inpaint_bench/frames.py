"""The pictures and masks of a case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from inpaint_bench.executors import Frame
from inpaint_bench.schema.run import CaseKey
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.pictures import Ratio, Sample, assign, hole_ratio
from inpaint_eval.scores import Pixels

MASK_KIND = "strokes"
"""Of drawn masks."""


def make_frames(
    case: CaseKey, count: int | None, pictures: Path | None, masks: Path | None
) -> list[Frame]:
    """Frames of a case: of folders, or drawn, which are the same on every machine.

    count: of frames; None for one that is drawn, or for as many as there are pictures. A batch is
    made of as many pictures, the next ones, from the first again after the last.

    Raises:
        FileNotFoundError, ValueError: as :func:`inpaint_eval.pictures.assign` raises them, and if
            pictures of different sizes should be in one batch.
    """
    ratio = Ratio.parse(case.holes)
    if pictures is None or masks is None:
        assert case.size is not None
        wanted = (count or 1) * case.batch
        pairs = [
            (draw_picture(*case.size, seed), draw_mask(MASK_KIND, *case.size, ratio, seed))
            for seed in range(wanted)
        ]
    else:
        samples: Iterable[Sample] = assign(pictures, masks, ratio)
        pairs = [_sized(s, case.size) for s in islice(samples, count)]
        pairs = pairs * case.batch if case.batch > len(pairs) else pairs
    frames = []
    for start in range(0, len(pairs) - case.batch + 1, case.batch):
        part = pairs[start : start + case.batch]
        if len({mask.shape for _, mask in part}) > 1:
            raise ValueError("pictures of one batch are of one size; give --sizes")
        frames.append(Frame(tuple(p for p, _ in part), tuple(m for _, m in part)))
    return frames


def digest(frames: Iterable[Frame]) -> str:
    """SHA-256 of all pictures and masks."""
    found = hashlib.sha256()
    for frame in frames:
        for array in (*frame.pictures, *frame.masks):
            found.update(array.tobytes())
    return found.hexdigest()


def mean_hole_percent(frames: Iterable[Frame]) -> float:
    """Of all masks."""
    return round(float(np.mean([hole_ratio(m) for f in frames for m in f.masks])), 3)


def _sized(sample: Sample, size: tuple[int, int] | None) -> tuple[Pixels, Pixels]:
    if size is None:
        return sample.picture, sample.mask
    target = size[::-1]
    picture = cv2.resize(sample.picture, target, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(sample.mask, target, interpolation=cv2.INTER_NEAREST)
    return picture.astype(np.uint8), mask.astype(np.uint8)
