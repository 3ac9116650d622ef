"""A camera, from the light to its JPEG: noise that is coarse, coloured and half erased.

A picture is taken back to what a sensor would have seen, gets a sensor's noise there, and is
developed again: Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019. What a
camera does after that is drawn besides: several ways of demosaicking, noise reduction, sharpening,
resizing, JPEG.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import log_uniform
from inpaint_export.data.demosaicing import METHODS, Light, Method, demosaic, mosaic
from inpaint_export.data.distortions import Kernel
from inpaint_export.data.distortions import blur as blurred

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float32]
Table = NDArray[np.float32]

_LEVELS = 16384
"""Of the table that encodes light: at black, sRGB's curve takes five of them a grey level."""


@dataclass(frozen=True)
class Sensor:
    """Noise of a raw value x in [0, 1]: variance ``shot * x + read ** 2``.

    banding: of whole rows, a deviation. clips: whether values below black are lost.
    """

    shot: float
    read: float
    banding: float
    clips: bool

    @classmethod
    def random(cls, rng: np.random.Generator) -> Sensor:
        """About the line of Brooks et al. (equation 4), and further off it on all sides."""
        shot = log_uniform(rng, 1e-5, 2e-2)
        read = float(np.exp(0.5 * (2.18 * np.log(shot) + 1.2 + rng.normal(0.0, 0.6))))
        banding = read * float(rng.uniform(0.1, 0.6)) if rng.random() < 0.15 else 0.0
        return cls(shot, read, banding, rng.random() < 0.5)

    def see(self, rng: np.random.Generator, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """A noisy mosaic, [H, W]."""
        deviation = cv2.sqrt(
            np.maximum(raw, 0.0) * np.float32(self.shot) + np.float32(self.read**2)
        )
        cv2.setRNGSeed(int(rng.integers(2**31)))
        noise = np.empty(raw.shape, np.float32)
        cv2.randn(noise, np.zeros(1), np.ones(1))
        seen = raw + noise * deviation
        if self.banding:
            seen += rng.normal(0.0, self.banding, (raw.shape[0], 1)).astype(np.float32)
        return np.clip(seen, 0.0 if self.clips else -0.1, 1.0).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Development:
    """From raw values to an encoded picture, and back.

    to_srgb: from the camera's colours to linear sRGB, [3, 3]; white stays white. gains: of red,
    green and blue for white balance and exposure. contrast: from 0 for sRGB's curve to 1 for a
    smooth step after it.
    """

    demosaicking: Method
    to_srgb: Matrix
    gains: NDArray[np.float32]
    contrast: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Development:
        """Of any camera under any light."""
        low = np.array([[0.0, 0.1, -0.1], [0.05, 0.0, 0.05], [-0.1, 0.1, 0.0]])
        high = np.array([[0.0, 1.0, 0.4], [0.5, 0.0, 0.8], [0.2, 0.9, 0.0]])
        matrix = -rng.uniform(low, high)
        matrix[np.diag_indices(3)] = 1.0 - matrix.sum(axis=1)
        exposure = log_uniform(rng, 0.8, 2.5)
        gains = exposure * np.array([rng.uniform(1.1, 2.6), 1.0, rng.uniform(1.1, 2.6)])
        return cls(
            demosaicking=tuple(METHODS)[rng.integers(len(METHODS))],
            to_srgb=matrix.astype(np.float32),
            gains=gains.astype(np.float32),
            contrast=0.0 if rng.random() < 0.3 else float(rng.uniform(0.0, 1.0)),
        )

    def undo(self, picture: Picture) -> Light:
        """The light that each colour of the sensor would have seen, [H, W, 3]."""
        curve = self._curve()
        decoded = np.interp(np.arange(256) / 255.0, curve, np.linspace(0.0, 1.0, len(curve)))
        light = decoded.astype(np.float32)[picture]
        from_srgb = np.linalg.inv(self.to_srgb) / self.gains[:, None]
        return np.clip(cv2.transform(light, from_srgb.astype(np.float32)), 0.0, 1.0).astype(
            np.float32, copy=False
        )

    def develop(self, seen: NDArray[np.float32]) -> Light:
        """A picture in [0, 1], [H, W, 3], of a mosaic."""
        camera = demosaic(seen, self.demosaicking) * self.gains
        np.minimum(camera, 1.0, out=camera)  # white is white in all colours
        light = cv2.transform(camera, self.to_srgb)
        index = np.clip(light * np.float32(_LEVELS - 1), 0, _LEVELS - 1).astype(np.intp)
        return np.asarray(self._curve()[index])

    def _curve(self) -> Table:
        encoded = _SRGB
        step = encoded * encoded * (3.0 - 2.0 * encoded)
        return (encoded + np.float32(self.contrast) * (step - encoded)).astype(np.float32)


def _srgb() -> Table:
    light = np.linspace(0.0, 1.0, _LEVELS)
    curved = 1.055 * np.maximum(light, 0.0031308) ** (1.0 / 2.4) - 0.055
    return np.where(light <= 0.0031308, 12.92 * light, curved).astype(np.float32)


_SRGB = _srgb()


@dataclass(frozen=True)
class NoiseReduction:
    """What a camera takes off: fine noise more than coarse, colours more than brightness.

    chroma: the deviation, in pixels, of a Gaussian over colours; 0 for none. luma: how brightness
    is smoothed. threshold: up to which differences count as noise, in deviations of the noise.
    kept: share of what counts as noise that is left.
    """

    chroma: float
    luma: Literal["none", "coring", "bilateral"]
    threshold: float
    kept: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> NoiseReduction:
        """Of any camera; nearly one in five has none of either."""
        kinds: tuple[Literal["none", "coring", "bilateral"], ...] = ("none", "coring", "bilateral")
        return cls(
            chroma=0.0 if rng.random() < 0.4 else log_uniform(rng, 0.6, 4.0),
            luma=kinds[rng.choice(3, p=(0.45, 0.35, 0.2))],
            threshold=log_uniform(rng, 0.5, 3.0),
            kept=float(rng.uniform(0.0, 0.7)),
        )

    def apply(self, light: Light, noise: float) -> Light:
        """The smoothed picture; noise is the deviation of its noise."""
        if self.chroma == 0.0 and self.luma == "none":
            return light
        parts = cv2.cvtColor(light, cv2.COLOR_RGB2YCrCb)
        if self.chroma:
            soft = cv2.GaussianBlur(parts, (0, 0), self.chroma)
            soft[..., 0] = parts[..., 0]
            parts = soft
        if self.luma != "none":
            parts[..., 0] = self._smooth(np.ascontiguousarray(parts[..., 0]), noise)
        return np.clip(cv2.cvtColor(parts, cv2.COLOR_YCrCb2RGB), 0.0, 1.0).astype(
            np.float32, copy=False
        )

    def _smooth(self, luma: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
        threshold = max(self.threshold * noise, 1e-4)
        if self.luma == "bilateral":
            smooth = cv2.bilateralFilter(luma, 5, threshold, 1.5)
            return np.asarray(smooth + np.float32(self.kept) * (luma - smooth))
        smooth = cv2.GaussianBlur(luma, (0, 0), 1.2)
        detail = luma - smooth
        noisy = np.clip(detail, -threshold, threshold)
        return np.asarray(smooth + detail - np.float32(1.0 - self.kept) * noisy)


@dataclass(frozen=True)
class Camera:
    """What happens between a scene and a file.

    softness: of lens and filter, a Gaussian's deviation in pixels of the sensor. sharpening: sigma
    in pixels and amount of an unsharp mask. scale: factor of the resizing before the file.
    """

    softness: float
    sensor: Sensor
    development: Development
    reduction: NoiseReduction
    sharpening: tuple[float, float] | None
    scale: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Camera:
        """Any camera, drawn widely."""
        chance = rng.random()
        scale = (
            1.0 if chance < 0.7 else log_uniform(rng, *((0.65, 1) if chance < 0.9 else (1, 1.6)))
        )
        return cls(
            softness=0.0 if rng.random() < 0.1 else float(rng.uniform(0.3, 1.2)),
            sensor=Sensor.random(rng),
            development=Development.random(rng),
            reduction=NoiseReduction.random(rng),
            sharpening=(
                None
                if rng.random() < 0.4
                else (float(rng.uniform(0.5, 1.5)), log_uniform(rng, 0.1, 1.5))
            ),
            scale=scale,
        )

    def side(self, size: int) -> int:
        """Of the square that gives one of ``size`` when resized, in pixels; even."""
        return 2 * round(size / self.scale / 2.0)

    def shoot(
        self, rng: np.random.Generator, scene: Picture, blur: Kernel | None, size: int
    ) -> tuple[Light, Light, float]:
        """The noisy picture, the same without noise, and the noise, before the file is written.

        scene: RGB, [S, S, 3], S of :meth:`side`. blur: a kernel that the noisy picture's light has
        gone through, or None. Both pictures are in [0, 1], [size, size, 3]. The noise is the root
        mean square, in the same units, of what noise and its reduction have changed.
        """
        light = self.development.undo(scene)
        if self.softness:
            light = np.asarray(cv2.GaussianBlur(light, (0, 0), self.softness), np.float32)
        clear = true = self.development.develop(mosaic(light))
        if blur is not None:
            light = blurred(light, blur)
            clear = self.development.develop(mosaic(light))
        noisy = self.development.develop(self.sensor.see(rng, mosaic(light)))
        noisy = self._finish(self.reduction.apply(noisy, _deviation(noisy, clear)), size)
        finished = self._finish(clear, size)
        noise = _deviation(noisy, finished)
        return noisy, finished if true is clear else self._finish(true, size), noise

    def _finish(self, light: Light, size: int) -> Light:
        if self.sharpening is not None:
            sigma, amount = self.sharpening
            soft = cv2.GaussianBlur(light, (0, 0), sigma)
            light = np.asarray(light + np.float32(amount) * (light - soft), np.float32)
        if light.shape[0] != size:
            method = cv2.INTER_AREA if light.shape[0] > size else cv2.INTER_CUBIC
            light = np.asarray(cv2.resize(light, (size, size), interpolation=method), np.float32)
        return np.clip(light, 0.0, 1.0)


def _deviation(one: Light, other: Light) -> float:
    """Root of the mean squared difference."""
    return float(cv2.norm(one, other, cv2.NORM_L2) / one.size**0.5)
