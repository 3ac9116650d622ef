"""A large photograph with damage in some places."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_bench.machine_state import memory_rise_mb
from inpaint_bench.schema.sdk import SdkRow
from inpaint_bench.schema.timing import percentiles
from inpaint_eval.drawn import draw_picture
from inpaint_eval.timing import ratio_of_turns, time_in_turns
from inpaint_sdk import Restorer

BLOCKS = 5


def damage(height: int, width: int) -> NDArray[np.uint8]:
    """Twenty discs, which cover 1 % of 6000x4000 pixels, within the upper left 6000x4000."""
    rng = np.random.default_rng(1)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(20):
        x, y = int(rng.integers(80, 5920)), int(rng.integers(80, 3920))
        cv2.circle(mask, (x, y), 62, 255, -1)
    return mask


def photograph() -> SdkRow:
    """6000x4000 beside Telea, and 12000x8000 with the same damage."""
    restorer = Restorer.load("photo", threads=2)
    picture, mask = draw_picture(4000, 6000), damage(4000, 6000)
    peak = memory_rise_mb(lambda: restorer.restore(picture, mask))
    large, large_mask = draw_picture(8000, 12000), damage(8000, 12000)
    turns = time_in_turns(
        {
            "photo": lambda: restorer.restore(picture, mask),
            "opencv-telea": lambda: cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA),
            "photo, 4 times as large": lambda: restorer.restore(large, large_mask),
        },
        blocks=BLOCKS,
    )
    figures = {
        "damaged": float((mask > 0).mean()),
        "peak_mb": peak,
        "milliseconds": {name: percentiles(found.calls) for name, found in turns.items()},
        "over_telea": ratio_of_turns(turns, "photo", "opencv-telea"),
        "larger_over_small": ratio_of_turns(turns, "photo, 4 times as large", "photo"),
    }
    bar = "over_telea <= 1.5, peak_mb < 400, larger_over_small <= 1.2"
    return SdkRow(bar=bar, figures=figures)
