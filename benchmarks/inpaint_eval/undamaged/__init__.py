"""Undamaged pictures with what looks like damage: 200 that are drawn, and held-out photographs.

Everything in them belongs to the scene, or is its film's grain or its sensor's noise: a detector
must not mark it. They are drawn in other ways than what detectors learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.drawing import Coverage, Shape
from inpaint_eval.pictures import Pixels, read_picture
from inpaint_eval.splits import list_split
from inpaint_eval.undamaged.lettering import film_boxes, signs, text_page
from inpaint_eval.undamaged.scene import Scene, background, photographed
from inpaint_eval.undamaged.surfaces import (
    brick,
    cracked_wall,
    fabric,
    film_grain,
    halftone,
    high_iso,
    windows,
)
from inpaint_eval.undamaged.things import (
    confetti,
    glints,
    gravel,
    hair,
    rain,
    snow,
    stars,
    webs,
    whiskers,
    wires,
)

SEED = 200

EACH = 10
"""Pictures of every kind."""

SHAPES: tuple[Shape, ...] = ((320, 448), (384, 512), (448, 336), (288, 384), (512, 640))
"""Heights and widths that the pictures have in turn."""

SCALES = (0.6, 1.0, 1.7)
"""Sizes that things are drawn in, in turn."""


_Kind = Callable[[Scene], None]

KINDS: Mapping[str, _Kind] = {
    kind.__name__: kind
    for kind in (
        signs,
        film_boxes,
        windows,
        stars,
        snow,
        rain,
        hair,
        whiskers,
        wires,
        webs,
        cracked_wall,
        gravel,
        confetti,
        glints,
        film_grain,
        high_iso,
        halftone,
        text_page,
        brick,
        fabric,
    )
}
"""What looks like damage and is none."""

IN_PHOTOGRAPHS = ("signs", "film_boxes", "snow", "rain", "confetti", "film_grain", "high_iso")
"""Those of :data:`KINDS` that are set into what is there."""


@dataclass(frozen=True)
class Undamaged:
    """A picture without damage.

    kind: a key of :data:`KINDS`. picture: uint8 RGB [H, W, 3]. text: uint8 [H, W], 255 in the
    scene's letters.
    """

    kind: str
    picture: Pixels
    text: Coverage


def undamaged_picture(kind: str, index: int) -> Undamaged:
    """One drawn picture, always the same. kind: a key of :data:`KINDS`. index: from 0."""
    rng = np.random.default_rng((SEED, list(KINDS).index(kind), index))
    scale = SCALES[index % len(SCALES)]
    return _drawn(rng, kind, background(rng, SHAPES[index % len(SHAPES)]), scale)


def undamaged_pictures(each: int = EACH) -> Iterator[Undamaged]:
    """The 200 drawn pictures, or fewer of each kind."""
    for kind in KINDS:
        for index in range(each):
            yield undamaged_picture(kind, index)


def undamaged_photographs(root: Path, limit: int = 100) -> Iterator[Undamaged]:
    """Held-out photographs of ``photos/more`` with what is set into them, always the same.

    root: of the data. limit: how many of them, spread evenly.

    Raises:
        FileNotFoundError: there are none.
    """
    paths = list_split(root, "photos/more", "held-out")
    count = min(limit, len(paths))
    for number in range(count):
        path = paths[(2 * number + 1) * len(paths) // (2 * count)]
        rng = np.random.default_rng((SEED, len(KINDS), number))
        kind = IN_PHOTOGRAPHS[number % len(IN_PHOTOGRAPHS)]
        scale = SCALES[number // len(IN_PHOTOGRAPHS) % len(SCALES)]
        photograph = np.asarray(cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2RGB), np.uint8)
        yield _drawn(rng, kind, photograph, scale)


def _drawn(rng: np.random.Generator, kind: str, picture: Pixels, scale: float) -> Undamaged:
    scene = Scene(rng, picture, scale)
    KINDS[kind](scene)
    return Undamaged(kind, photographed(rng, scene.picture), scene.text)
