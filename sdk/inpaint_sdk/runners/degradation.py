"""How noisy, blurred and compressed a picture is."""

from __future__ import annotations

from dataclasses import dataclass

MAX_NOISE = 60.0
"""Standard deviation, of 255, of noise of strength 1."""

MAX_BLUR = 3.0
"""Standard deviation, in pixels, of blur of strength 1."""


@dataclass(frozen=True)
class Degradation:
    """How much of each distortion a model sees, from 0 for none to 1.

    They are estimates by a network: what a picture shows by itself, grain or a shallow depth of
    field, may pass for a distortion.
    """

    noise: float
    blur: float
    compression: float

    @property
    def noise_sigma(self) -> float:
        """Standard deviation of the noise, of 255."""
        return self.noise * MAX_NOISE

    @property
    def blur_sigma(self) -> float:
        """Standard deviation of the blur along an axis, in pixels."""
        return self.blur * MAX_BLUR

    @property
    def codec_quality(self) -> float:
        """Quality, from 0 to 100, at which JPEG would lose as much."""
        return 100.0 * (1.0 - self.compression)
