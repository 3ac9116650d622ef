"""Draws damage over a photograph, for the examples."""

import cv2
import numpy as np


def scratched(picture: np.ndarray) -> np.ndarray:
    """A copy with a few scratches and a date across it."""
    damaged = picture.copy()
    height, width = damaged.shape[:2]
    for start, end in (((40, 30), (190, 270)), ((360, 20), (300, 200)), ((90, 250), (430, 230))):
        cv2.line(damaged, start, end, (235, 240, 245), 2, cv2.LINE_AA)
    where = width - 190, height - 20
    cv2.putText(damaged, "21.08.1987", where, cv2.FONT_HERSHEY_DUPLEX, 0.9, (60, 190, 255), 2)
    return damaged
