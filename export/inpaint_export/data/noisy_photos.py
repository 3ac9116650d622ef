"""What cameras, codecs and benchmarks do to photographs: the training data of ``clean``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inpaint_eval import drawing
from inpaint_eval.drawing import log_uniform
from inpaint_export.data.camera import Camera
from inpaint_export.data.distortions import (
    APPLY,
    KINDS,
    Light,
    Ranges,
    add_noise,
    quick_noise,
    random_compression,
    random_kernel,
    to_picture,
)
from inpaint_export.data.photos import PhotoItems, Picture, random_crop, to_tensor
from inpaint_sdk.runners.degradation import MAX_NOISE

MARGIN = 8
"""Pixels by which files are larger than crops, so that a codec's blocks begin anywhere in them."""

RANGES = Ranges((1.0, 50.0), (0.4, 2.2), (0.7, 3.5), (2.0, 10.0), (8, 95))
"""Of what is done to developed pictures."""

LENS = Ranges((0.0, 0.0), (0.4, 1.6), (0.7, 2.5), (2.0, 6.0), (0, 0))
"""Of the blurs that cameras add."""


@dataclass(frozen=True)
class Noisy:
    """A picture, what it should be, and the strengths of what was done to it.

    image, clear: RGB, [S, S, 3]. strength: of each of ``distortions.KINDS``, from 0 to 1.
    """

    image: Picture
    clear: Picture
    strength: Mapping[str, float]


def _clean(
    rng: np.random.Generator, photo: Picture, size: int, scale: tuple[float, float]
) -> Noisy:
    """A picture that is to be left as it is."""
    crop = random_crop(rng, photo, size, scale)
    return Noisy(crop, crop, {})


def _grain(
    rng: np.random.Generator, photo: Picture, size: int, scale: tuple[float, float]
) -> Noisy:
    """A picture with film's grain, which belongs to it: it is to be left as it is.

    Grain is told from noise by what it is: of brightness more than of colours, coarser than a
    pixel, strongest in the middle tones, and not compressed away.
    """
    crop = random_crop(rng, photo, size, scale)
    colourful = 0.0 if rng.random() < 0.5 else float(rng.uniform(0.0, 0.35))
    deviation = log_uniform(rng, 1.5, 14.0) / 255.0
    grain_size = float(rng.uniform(0.5, 1.2))
    grainy = drawing.add_grain(rng, crop, deviation, size=grain_size, colourful=colourful)
    light = crop.astype(np.float32) / np.float32(255.0)
    middle = 4.0 * light * (1.0 - light)  # 1 at middle grey
    weight = np.float32(0.25) + np.float32(0.75) * middle
    grainy = to_picture(light + weight * (grainy.astype(np.float32) / np.float32(255.0) - light))
    return Noisy(grainy, grainy, {})


def _camera(
    rng: np.random.Generator, photo: Picture, size: int, scale: tuple[float, float]
) -> Noisy:
    """A photograph as it comes out of a camera; one in seven is out of focus or shaken.

    Files are good ones, mostly; what was sent on has been compressed harder.
    """
    camera = Camera.random(rng)
    scene = random_crop(rng, photo, camera.side(size), scale)
    strength: dict[str, float] = {}
    kernel = None
    if rng.random() < 0.15:
        kernel, strength["blur"] = random_kernel(rng, LENS)
    noisy, clear, noise = camera.shoot(rng, scene, kernel, size)
    strength["noise"] = min(255.0 * noise / MAX_NOISE, 1.0)
    image = to_picture(noisy)
    if rng.random() < 0.85:
        quality = int(rng.integers(75, 100) if rng.random() < 0.7 else rng.integers(20, 75))
        image = drawing.compress(image, ".jpg", quality, full_colour=rng.random() < 0.4)
        strength["compression"] = 1.0 - quality / 100.0
    return Noisy(image, to_picture(clear), strength)


def _white(
    rng: np.random.Generator, photo: Picture, size: int, scale: tuple[float, float]
) -> Noisy:
    """Even Gaussian noise; in one of ten, of a black-and-white picture."""
    crop = random_crop(rng, photo, size, scale)
    light = crop.astype(np.float32) / np.float32(255.0)
    noise = quick_noise(rng, light.shape)
    if rng.random() < 0.1:
        light = np.repeat(light.mean(axis=2, keepdims=True), 3, axis=2)
        noise = np.repeat(noise[..., :1], 3, axis=2)
        crop = to_picture(light)
    deviation = float(rng.uniform(0.0, MAX_NOISE))
    noisy = add_noise(light, 0.0, deviation / 255.0, noise)
    return Noisy(to_picture(noisy), crop, {"noise": deviation / MAX_NOISE})


def _codec(
    rng: np.random.Generator, photo: Picture, size: int, scale: tuple[float, float]
) -> Noisy:
    """A still frame of a codec."""
    crop = random_crop(rng, photo, size, scale)
    light, strength = random_compression(rng, crop.astype(np.float32) / np.float32(255.0), RANGES)
    return Noisy(to_picture(light), crop, {"compression": strength})


def _mixture(
    rng: np.random.Generator, photo: Picture, size: int, scale: tuple[float, float]
) -> Noisy:
    """One to three of blur, noise and compression, mostly in the order in which they happen."""
    crop = random_crop(rng, photo, size, scale)
    chosen = [kind for kind in ("blur", "noise", "compression") if rng.random() < 0.65] or ["blur"]
    if rng.random() < 0.1:
        rng.shuffle(chosen)
    light: Light = crop.astype(np.float32) / np.float32(255.0)
    strength = {}
    for kind in chosen:
        light, strength[kind] = APPLY[kind](rng, light, RANGES)
    return Noisy(to_picture(light), crop, strength)


FAMILIES: Mapping[
    str, Callable[[np.random.Generator, Picture, int, tuple[float, float]], Noisy]
] = {
    "camera": _camera,
    "white": _white,
    "codec": _codec,
    "mixture": _mixture,
    "clean": _clean,
    "grain": _grain,
}

LEFT_ALONE = frozenset({"clean", "grain"})
"""Families whose pictures are to come back as they are."""


def draw_noisy(
    rng: np.random.Generator, photo: Picture, crop: int, scale: tuple[float, float], family: str
) -> Noisy:
    """A crop of a photograph, of ``crop`` pixels a side, under one of :data:`FAMILIES`.

    scale: range of the factor by which the photograph is resized before.
    """
    drawn = FAMILIES[family](rng, photo, crop + MARGIN, scale)
    top, left = rng.integers(0, MARGIN + 1, 2)
    cut = slice(top, top + crop), slice(left, left + crop)
    return Noisy(drawn.image[cut], drawn.clear[cut], drawn.strength)


@dataclass(frozen=True)
class NoisyPhotoDataConfig:
    """Photographs as cameras, codecs and benchmarks give them.

    folders: of photographs, below the data root; of each the part that may be trained on.
    crop: side of the square crops in pixels.
    scale: range of the factor by which a photograph is resized before it is cropped; below 1, so
    that what it has itself suffered is averaged away.
    families: of :data:`FAMILIES` to their relative frequencies.
    """

    folders: tuple[str, ...]
    crop: int = 128
    scale: tuple[float, float] = (0.45, 0.9)
    families: Mapping[str, float] = field(
        default_factory=lambda: {
            "camera": 0.44,
            "white": 0.2,
            "codec": 0.1,
            "mixture": 0.14,
            "clean": 0.06,
            "grain": 0.06,
        }
    )

    def __post_init__(self) -> None:
        unknown = set(self.families) - set(FAMILIES)
        if unknown:
            raise ValueError(f"unknown families {sorted(unknown)}; there are {sorted(FAMILIES)}")

    def open(self, root: Path, *, seed: int, length: int) -> NoisyPhotos:
        """Reads the photographs; see :class:`NoisyPhotos`."""
        return NoisyPhotos(root, self, seed=seed, length=length)


class NoisyPhotos(PhotoItems):
    """Crops of photographs and what was made of them.

    Each item is a dict of uint8 tensors: ``image``, the noisy one, and ``clear``,
    [3, crop, crop], RGB, and ``strength`` [3], 255 for a strength of 1, in the order of
    ``distortions.KINDS``.
    """

    def __init__(self, root: Path, config: NoisyPhotoDataConfig, *, seed: int, length: int) -> None:
        super().__init__(root, config.folders, seed=seed, length=length)
        self.config = config
        self._families = tuple(config.families)
        shares = np.array(list(config.families.values()))
        self._shares = shares / shares.sum()

    def draw(self, rng: np.random.Generator, picture: Picture) -> dict[str, Tensor]:
        family = self._families[rng.choice(len(self._families), p=self._shares)]
        item = draw_noisy(rng, picture, self.config.crop, self.config.scale, family)
        strength = [item.strength.get(kind, 0.0) for kind in KINDS]
        return {
            "image": to_tensor(item.image),
            "clear": to_tensor(item.clear),
            "strength": torch.tensor(strength).mul(255.0).round().to(torch.uint8),
        }
