"""What cameras and codecs do to pictures, by their physics, in random order and strength."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval import drawing
from inpaint_eval.drawing import log_uniform
from inpaint_export.data.photos import Picture
from inpaint_sdk.runners.degradation import MAX_BLUR, MAX_NOISE

Light = NDArray[np.float32]
"""A picture in [0, 1], [H, W, 3], RGB, encoded as sRGB."""

Kernel = NDArray[np.float32]
"""Of a convolution, [K, K], K odd; its sum is 1."""

KINDS = ("noise", "blur", "compression")


@dataclass(frozen=True)
class Ranges:
    """How strong distortions are.

    noise: standard deviation of 255. blur: a Gaussian's standard deviation, a disc's radius and a
    motion's length, in pixels. quality: of the codec.
    """

    noise: tuple[float, float]
    gaussian: tuple[float, float]
    disc: tuple[float, float]
    streak: tuple[float, float]
    quality: tuple[int, int]


def to_picture(light: Light) -> Picture:
    return np.clip(np.rint(light * 255.0), 0, 255).astype(np.uint8)


def add_noise(light: Light, shot: float, read: float, noise: Light) -> Light:
    """Sensor noise: variance ``shot * light + read ** 2`` at each pixel and channel, clipped.

    noise: of unit variance, of the picture's shape.
    """
    deviation = np.sqrt(shot * light + read**2) if shot > 0.0 else read
    return np.clip(light + noise * np.float32(deviation), 0.0, 1.0).astype(np.float32)


def quick_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Light:
    """Normal noise of unit variance, from OpenCV's generator: a third of NumPy's time."""
    cv2.setRNGSeed(int(rng.integers(2**31)))
    noise = np.empty((shape[0], int(np.prod(shape[1:]))), np.float32)  # one channel for OpenCV
    cv2.randn(noise, np.zeros(1), np.ones(1))
    return noise.reshape(shape)


def blur(light: Light, kernel: Kernel) -> Light:
    """Convolves with a kernel whose sum is 1."""
    return cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REFLECT_101).astype(np.float32)


def gaussian(sigma: float) -> Kernel:
    """A Gaussian's kernel; sigma in pixels."""
    line = cv2.getGaussianKernel(2 * int(np.ceil(3.0 * sigma)) + 1, sigma, cv2.CV_32F)
    return (line @ line.T).astype(np.float32)


def disc(radius: float) -> Kernel:
    """Defocus: an even disc with a soft rim; radius in pixels."""
    side = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return (kernel / kernel.sum()).astype(np.float32)


def streak(length: float, angle: float) -> Kernel:
    """Motion: a line through the centre; length in pixels, angle in radians."""
    side = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-side : side + 1, -side : side + 1].astype(np.float32)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle)
    kernel = np.clip(1.0 - np.abs(across), 0, 1) * np.clip(length / 2 + 0.5 - np.abs(along), 0, 1)
    return (kernel / kernel.sum()).astype(np.float32)


def compress(light: Light, suffix: str, quality: int) -> Light:
    """Encodes and decodes; see :func:`inpaint_eval.drawing.compress`."""
    decoded = drawing.compress(to_picture(light), suffix, quality)
    return decoded.astype(np.float32) / np.float32(255.0)


def random_noise(rng: np.random.Generator, light: Light, ranges: Ranges) -> tuple[Light, float]:
    """Even noise, as benchmarks have it, or noise that grows with the light, as sensors have it.

    Returns the noisy picture and its strength.
    """
    deviation = log_uniform(rng, *ranges.noise) / 255.0
    share = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.2, 1.0))
    mean = max(float(light.mean()), 0.02)
    noise = quick_noise(rng, light.shape)
    noisy = add_noise(light, share * deviation**2 / mean, deviation * (1.0 - share) ** 0.5, noise)
    return noisy, min(255.0 * deviation / MAX_NOISE, 1.0)


def random_kernel(rng: np.random.Generator, ranges: Ranges) -> tuple[Kernel, float]:
    """A kernel of defocus or motion, and its strength.

    Strength is by the kernel's standard deviation along an axis, so that kinds compare.
    """
    kind = rng.integers(4)
    if kind < 2:
        kernel = gaussian(log_uniform(rng, *ranges.gaussian))
    elif kind == 2:
        kernel = disc(log_uniform(rng, *ranges.disc))
    else:
        kernel = streak(log_uniform(rng, *ranges.streak), float(rng.uniform(0.0, np.pi)))
    half = kernel.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    deviation = float(np.sqrt((kernel * (x**2 + y**2)).sum() / 2.0))
    return kernel, min(deviation / MAX_BLUR, 1.0)


def random_blur(rng: np.random.Generator, light: Light, ranges: Ranges) -> tuple[Light, float]:
    """The picture under a :func:`random_kernel`, and its strength."""
    kernel, strength = random_kernel(rng, ranges)
    return blur(light, kernel), strength


def random_compression(
    rng: np.random.Generator, light: Light, ranges: Ranges
) -> tuple[Light, float]:
    """The picture through a codec's still frame, and its strength."""
    suffix = ".jpg" if rng.random() < 0.75 else ".webp"
    quality = int(rng.integers(*ranges.quality, endpoint=True))
    return compress(light, suffix, quality), 1.0 - quality / 100.0


APPLY: dict[str, Callable[[np.random.Generator, Light, Ranges], tuple[Light, float]]] = {
    "noise": random_noise,
    "blur": random_blur,
    "compression": random_compression,
}
"""A distortion of each of :data:`KINDS`, of random strength within the ranges."""


def _fixed_noise(light: Light, rng: np.random.Generator) -> Light:
    return add_noise(light, 0.0, 25.0 / 255.0, rng.standard_normal(light.shape, np.float32))


def _fixed_mixture(light: Light, rng: np.random.Generator) -> Light:
    noise = rng.standard_normal(light.shape, np.float32)
    noisy = add_noise(blur(light, gaussian(1.0)), 0.0, 10.0 / 255.0, noise)
    return compress(noisy, ".jpg", 50)


FIXED: dict[str, Callable[[Light, np.random.Generator], Light]] = {
    "noise 25": _fixed_noise,
    "JPEG 20": lambda light, rng: compress(light, ".jpg", 20),
    "mixture": _fixed_mixture,
    "clean": lambda light, rng: light,
}
"""What models are measured under: Gaussian noise of 25 of 255; JPEG of quality 20; a blur of 1
pixel, noise of 10 of 255 and JPEG of quality 50, in this order; and nothing."""


def distort_fixed(kind: str, index: int, clean: Picture) -> Picture:
    """A picture, in RGB or BGR, under one of :data:`FIXED`; its noise is seeded with the index."""
    light = clean.astype(np.float32) / np.float32(255.0)
    return to_picture(FIXED[kind](light, np.random.default_rng((25, index))))
