"""Gradient magnitude similarity, and its deviation (GMSD).

Xue, Zhang, Mou, Bovik: "Gradient Magnitude Similarity Deviation: A Highly Efficient Perceptual
Image Quality Index", IEEE Transactions on Image Processing 23(2), 2014. Luminance is halved by
averaging 2x2 pixels; gradients are Prewitt's; at each pixel

    GMS = (2 * m1 * m2 + c) / (m1^2 + m2^2 + c),    c = 170 for values from 0 to 255

and GMSD is its standard deviation over the picture: 0 for the same picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

C = 170.0

_PREWITT = np.array([[1, 0, -1]] * 3, np.float64) / 3


def similarity_map(restored: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """GMS of two pictures uint8 BGR [H, W, 3], at half their size."""
    mine, theirs = (_magnitude(_halved(picture)) for picture in (restored, truth))
    gms: NDArray[np.float64] = (2 * mine * theirs + C) / (mine**2 + theirs**2 + C)
    return gms


def deviation(gms: NDArray[np.float64]) -> float:
    """GMSD."""
    return float(gms.std())


def downsampled_hole(hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the map's pixels, those that are made of at least one pixel of the hole, bool [H, W]."""
    halved: NDArray[np.bool_] = _pooled(hole.astype(np.float64)) > 0
    return halved


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_BGR2GRAY)
    return _pooled(grey.astype(np.float64))


def _pooled(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2x2 pixels; an odd last row or column counts twice."""
    height, width = plane.shape
    plane = np.pad(plane, ((0, height % 2), (0, width % 2)), "edge")
    blocks = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2)
    pooled: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return pooled


def _magnitude(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    along, across = (
        cv2.filter2D(plane, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
        for kernel in (_PREWITT, _PREWITT.T)
    )
    magnitude: NDArray[np.float64] = np.hypot(along, across)
    return magnitude
