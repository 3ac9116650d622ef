"""What was found, drawn in colour over a picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.image import Pixels, colours_of, max_value
from inpaint_sdk.runners.detect import Detection

COLOURS = {
    "red": (230, 40, 30),
    "yellow": (245, 225, 40),
    "blue": (50, 130, 255),
    "magenta": (240, 70, 220),
    "green": (40, 200, 90),
}
"""RGB, in the order in which a detector's kinds get them."""

OPACITY = 0.75
"""Of the colours; what is beneath shows through, so that it can be judged."""


def colour_names(kinds: tuple[str, ...]) -> Mapping[str, str]:
    """The colour of each of a detector's kinds."""
    return dict(zip(kinds, cycle(COLOURS)))


def draw_overlay(pixels: Pixels, found: Detection) -> NDArray[np.uint8]:
    """The picture in grey with what was found in colour by kind, RGB uint8 [H, W, 3].

    pixels: in the order RGB, of any dtype and form.
    """
    grey = colours_of(pixels).mean(axis=2, dtype=np.float32) * (255.0 / max_value(pixels.dtype))
    drawn = np.repeat(grey[..., None], 3, axis=2)
    for kind, name in colour_names(found.kinds).items():
        if kind in found.sought:
            there = found.kind_mask(kind) > 0
            drawn[there] += OPACITY * (np.array(COLOURS[name], np.float32) - drawn[there])
    overlay: NDArray[np.uint8] = np.rint(drawn).astype(np.uint8)
    return overlay
