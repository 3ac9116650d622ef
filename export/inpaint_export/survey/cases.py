"""Pictures of a table's cases: what each method makes of them, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.scores import Pixels
from inpaint_sdk import Restorer
from inpaint_sdk.files import write_whole

HEIGHT = 176
"""Of each picture, in pixels."""

HEADER = 44
"""Of the names above them, in pixels: three lines."""

QUALITY = 88


@dataclass(frozen=True)
class Case:
    """shown: as it came. given: what methods are called with. truth: all uint8 BGR [H, W, 3]."""

    shown: Pixels
    given: tuple[Pixels, ...]
    truth: Pixels


def write_cases(path: Path, cases: Sequence[Case], files: Mapping[str, Path], threads: int) -> None:
    """A JPEG with one row for each case: as it came, by each model file, and as it was."""
    restorers = {name: Restorer.load(file, threads=threads) for name, file in files.items()}
    methods = {name: restorer.restore for name, restorer in restorers.items()}
    _, data = cv2.imencode(".jpg", sheet(cases, methods), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    write_whole(data.tobytes(), path)


def sheet(cases: Sequence[Case], methods: Mapping[str, Callable[..., Pixels]]) -> Pixels:
    """The picture that :func:`write_cases` writes, uint8 BGR [H, W, 3]."""
    columns = {"as it came": [case.shown for case in cases]}
    for name, restore in methods.items():
        columns[name.replace("`", "")] = [restore(*case.given) for case in cases]
    columns["as it was"] = [case.truth for case in cases]
    width = max(round(HEIGHT * case.truth.shape[1] / case.truth.shape[0]) for case in cases)
    return np.hstack([_column(name, made, width) for name, made in columns.items()])


def _column(name: str, pictures: Sequence[Pixels], width: int) -> Pixels:
    header = np.full((HEADER, width, 3), 255, np.uint8)
    for line, text in enumerate(textwrap.wrap(name, max(8, width // 7))[:3]):
        place = (3, 12 + 13 * line)
        cv2.putText(header, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    shown = []
    for picture in pictures:
        size = (round(HEIGHT * picture.shape[1] / picture.shape[0]), HEIGHT)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        rim = width - size[0]
        shown.append(cv2.copyMakeBorder(small, 0, 0, 0, rim, cv2.BORDER_CONSTANT, value=(255,) * 3))
    return np.vstack([header, *shown]).astype(np.uint8, copy=False)
