"""A sheet of pictures for a card: with their holes, by several methods, and as they are.

``python -m inpaint_export.sheet PICTURES MASKS OUTPUT METHOD...`` draws 12 pictures of a folder
that nothing is trained on. A method is ``telea`` or what ``Restorer.load`` takes, perhaps followed
by an amount of texture: ``photo``, ``photo-staged.onnx``, ``photo:0.5``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.scores import Pixels
from inpaint_export.large_holes import Restore, draw_sheet, holed_pictures
from inpaint_sdk import Options, Restorer

HOLES = "40-60 %"

COUNT = 12
"""Pictures on a sheet."""

RADIUS = 3
"""Of Telea's neighbourhoods, in pixels."""

QUALITY = 85
"""Of JPEG."""


def telea(picture: Pixels, mask: Pixels) -> Pixels:
    """OpenCV's fast marching method (Telea, 2004)."""
    return cv2.inpaint(picture, mask, RADIUS, cv2.INPAINT_TELEA).astype(np.uint8, copy=False)


def method_of(text: str) -> Restore:
    """What a method's name stands for."""
    if text == "telea":
        return telea
    name, _, amount = text.partition(":")
    return Restorer.load(name, options=Options(texture=float(amount or 0.0))).restore


def main(pictures: str, masks: str, output: str, *methods: str) -> None:
    """Draws a sheet."""
    samples = holed_pictures(Path(pictures), Path(masks), HOLES)
    sheet = draw_sheet([method_of(text) for text in methods], samples, COUNT)
    if not cv2.imwrite(output, sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise OSError(f"cannot write {output}")


if __name__ == "__main__":
    main(*sys.argv[1:])
