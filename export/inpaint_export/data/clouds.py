"""Synthetic clouds, made as the pictures that they are to resemble were."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_export.data.photos import Picture, Square

Field = NDArray[np.float32]

WHITE = np.float32(253.0)
"""Light of an opaque thin cloud, as fitted to RICE1's training pairs."""

CLOUD = np.array([225.0, 240.0, 235.0], np.float32)
"""Light of an opaque thick cloud in RICE2's bands, shown as RGB: about its brightest pixels'."""


def fractal_noise(rng: np.random.Generator, size: tuple[int, int], finest: int = 64) -> Field:
    """Noise of about unit variance whose octaves halve in strength, [H, W].

    finest: cells along a side in the finest octave.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    cells, strength = int(rng.integers(2, 4)), 1.0
    while cells < finest:
        octave = rng.standard_normal((cells, cells)).astype(np.float32)
        total += strength * cv2.resize(octave, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, strength = cells * 2, strength * 0.5
    return total


def under_thin_cloud(rng: np.random.Generator, clear: Picture) -> Picture:
    """Puts a thin cloud over a picture: ``(1 - a) * clear + a * a * white``.

    So RICE1's pairs are made: fitted with one opacity ``a`` for a picture they differ by 1 to 2 of
    255 in half of them, and up to 9 where it varies. The fitted opacities lie between 0.26 and
    0.89. (A layer whose colours were multiplied by their opacity twice gives this law.)
    """
    opacity = np.full(clear.shape[:2], rng.uniform(0.22, 0.82), np.float32)
    if rng.random() < 0.5:
        strength = abs(rng.normal(0.0, 0.04))
        opacity += np.float32(strength) * fractal_noise(rng, clear.shape[:2])
    opacity = np.clip(opacity, 0.0, 0.92)[..., None]
    white = WHITE + rng.normal(0.0, 20.0 if rng.random() < 0.15 else 5.0) + rng.normal(0.0, 1.5, 3)
    light = clear * (1.0 - opacity) + opacity * opacity * white.astype(np.float32)
    return _to_picture(light + rng.normal(0.0, 0.7, clear.shape).astype(np.float32))


def under_thick_clouds(rng: np.random.Generator, clear: Picture) -> Picture:
    """Puts opaque clouds, their shadows and some haze over a picture."""
    size = clear.shape[:2]
    edge, cover = rng.uniform(0.15, 1.0), rng.uniform(-0.4, 1.6)
    opacity = np.clip((fractal_noise(rng, size, 128) - cover) / edge, 0.0, 1.0)
    haze = np.clip(fractal_noise(rng, size) * 0.1 + rng.uniform(-0.2, 0.3), 0.0, 0.6)
    opacity = 1.0 - (1.0 - opacity * rng.uniform(0.6, 1.0)) * (1.0 - haze)
    across, down = rng.integers(-30, 31, 2)
    shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
    shadow = cv2.warpAffine(opacity - haze, shift, size[::-1], borderMode=cv2.BORDER_REFLECT)
    shade = 1.0 - rng.uniform(0.1, 0.7) * cv2.GaussianBlur(np.clip(shadow, 0, 1), (0, 0), 1.5)
    texture = 1.0 + 0.08 * fractal_noise(rng, size, 128)[..., None]
    colour = CLOUD * rng.uniform(0.75, 1.05) + rng.normal(0.0, 8.0, 3)
    ground = clear * shade[..., None]
    light = ground * (1.0 - opacity[..., None]) + colour * texture * opacity[..., None]
    return _to_picture(light)


@dataclass(frozen=True)
class Veil:
    """What lies over a picture: light that is let through, and light that is added.

    through, added: float16 [H, W, 3]; the picture seen is ``through * clear + added``, of 255.
    """

    through: NDArray[np.float16]
    added: NDArray[np.float16]

    @classmethod
    def between(cls, cloudy: Picture, clear: Picture) -> Veil:
        """The veil that makes one picture of the other, exactly so for the same ground.

        What is brighter than the ground is cloud of a known colour, what is darker is shadow.
        """
        seen, ground = cloudy.astype(np.float32), clear.astype(np.float32)
        white = np.maximum(CLOUD, np.maximum(seen, ground) + 1.0)
        opacity = np.clip((seen - ground) / (white - ground), 0.0, 1.0)
        shade = np.minimum(1.0, (seen + 1.0) / (ground + 1.0))
        through = (1.0 - opacity) * shade
        return cls(through.astype(np.float16), (opacity * white).astype(np.float16))

    def cut(self, square: Square) -> Veil:
        """The same over a crop of what it lies over."""
        parts = (square.cut(part.astype(np.float32)) for part in (self.through, self.added))
        return Veil(*(part.astype(np.float16) for part in parts))

    def over(self, clear: Picture) -> Picture:
        """Puts the veil over a picture of its own size."""
        light = self.through.astype(np.float32) * clear + self.added.astype(np.float32)
        return _to_picture(light)


def _to_picture(light: Field) -> Picture:
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)
