"""Colour pictures from a Bayer mosaic: what a camera makes up of each pixel's one colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Mosaic = NDArray[np.float32]
"""One value a pixel, [H, W], H and W even: red at even rows and columns, blue at odd ones, green
at the others."""

Light = NDArray[np.float32]

Method = Literal["bilinear", "edge-aware", "gradient-corrected"]


def mosaic(light: Light) -> Mosaic:
    """What lies behind a Bayer filter, of a picture [H, W, 3], RGB, of even sides."""
    seen = light[..., 1].copy()
    seen[::2, ::2] = light[::2, ::2, 0]
    seen[1::2, 1::2] = light[1::2, 1::2, 2]
    return seen


def demosaic(seen: Mosaic, method: Method) -> Light:
    """A picture [H, W, 3], RGB, of a mosaic whose values are within [-0.1, 1.1]."""
    return METHODS[method](seen)


_LOW, _SPAN = np.float32(-0.1), np.float32(1.2 / 65535.0)


def _by_opencv(code: int) -> Callable[[Mosaic], Light]:
    def run(seen: Mosaic) -> Light:
        levels = np.clip((seen - _LOW) / _SPAN, 0.0, 65535.0).astype(np.uint16)
        colours = cv2.demosaicing(levels, code).astype(np.float32)
        colours *= _SPAN
        colours += _LOW
        return colours

    return run


def _kernel(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(rows, np.float32) / np.float32(8.0)


_GREEN = _kernel(
    (0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0)
)
_ROW = _kernel(
    (0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0)
)
_CROSS = _kernel(
    (0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0)
)


def _gradient_corrected(seen: Mosaic) -> Light:
    """Malvar, He and Cutler, "High-quality linear interpolation for demosaicing", ICASSP 2004."""

    def filtered(kernel: NDArray[np.float32]) -> Mosaic:
        return cv2.filter2D(seen, -1, kernel, borderType=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]

    green, row, column, cross = (filtered(k) for k in (_GREEN, _ROW, _ROW.T.copy(), _CROSS))
    even, odd = slice(None, None, 2), slice(1, None, 2)
    light = np.repeat(seen[..., None], 3, axis=2)
    light[even, even, 1], light[odd, odd, 1] = green[even, even], green[odd, odd]
    # Red lies beside green pixels of even rows, above those of odd ones; blue the other way.
    light[even, odd, 0], light[odd, even, 0] = row[even, odd], column[odd, even]
    light[even, odd, 2], light[odd, even, 2] = column[even, odd], row[odd, even]
    light[odd, odd, 0], light[even, even, 2] = cross[odd, odd], cross[even, even]
    return light


METHODS: Mapping[Method, Callable[[Mosaic], Light]] = {
    # OpenCV names a pattern by the colours of its second row and column: red first is BG.
    "bilinear": _by_opencv(cv2.COLOR_BayerBG2RGB),
    "edge-aware": _by_opencv(cv2.COLOR_BayerBG2RGB_EA),
    "gradient-corrected": _gradient_corrected,
}
"""Bilinear, along the weaker gradient, and bilinear corrected by the other colours' gradients."""
