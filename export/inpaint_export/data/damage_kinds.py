"""The kinds of damage that a detector is trained on, drawn as they look."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from inpaint_eval.pictures import Pixels
from inpaint_export.data.overlays import logos, text
from inpaint_export.data.print_damage import (
    corners,
    cracks,
    dust,
    fading,
    folds,
    hairs,
    scratches,
    stains,
)
from inpaint_export.data.sensor_damage import dirt, drops, lines, pixels

Kind = Callable[[np.random.Generator, Pixels], None]
"""Draws damage on a contiguous RGB picture, in place."""

KINDS: Mapping[str, Kind] = {
    "scratches": scratches,
    "cracks": cracks,
    "dust": dust,
    "hairs": hairs,
    "folds": folds,
    "stains": stains,
    "fading": fading,
    "corners": corners,
    "text": text,
    "logos": logos,
    "pixels": pixels,
    "lines": lines,
    "dirt": dirt,
    "drops": drops,
}
