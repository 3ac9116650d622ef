"""Pictures in a row: damaged, as each candidate restored it, and the true one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.scores import Pixels

SIDE = 256
"""Of each picture, at most."""

CAPTION = 24
"""Height of the line above each picture, in pixels."""


def write_strip(
    path: Path, damaged: Pixels, mask: Pixels | None, restored: Mapping[str, Pixels], truth: Pixels
) -> None:
    """Writes pictures of one size, uint8 BGR, side by side as JPEG, each under its name.

    mask: what is shown white in the damaged picture.
    """
    shown = damaged.copy()
    if mask is not None:
        shown[mask > 0] = 255
    height, width = damaged.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    columns = []
    for name, picture in {"damaged": shown, **restored, "true": truth}.items():
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        caption = np.full((CAPTION, size[0], 3), 255, np.uint8)
        cv2.putText(caption, name, (2, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
        columns.append(np.vstack([caption, small]))
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".jpg", np.hstack(columns), [cv2.IMWRITE_JPEG_QUALITY, 90])
    path.write_bytes(data.tobytes())
