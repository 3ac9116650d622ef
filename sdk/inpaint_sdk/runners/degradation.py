"""How noisy, blurred and compressed a picture is, and how far it is changed for that."""

from __future__ import annotations

from dataclasses import dataclass, fields

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


PLAIN = Degradation(noise=0.03, blur=0.1, compression=0.2)
"""A picture that reaches one of these is plainly degraded: the change is worth it."""

FAINT = 0.5
"""Of ``PLAIN``: a picture that is below all of it is left as it is, since cleaning does more harm
than the degradation. In between the change grows."""


def kinds_seen(degradation: Degradation | None, strength: float) -> dict[str, float]:
    """What of a picture's degradation is more than faint, by kind; nothing if nothing is told."""
    if degradation is None:
        return {}
    least = FAINT * _sensitivity(strength)
    values = {f.name: float(getattr(degradation, f.name)) for f in fields(degradation)}
    return {kind: v for kind, v in values.items() if v > least * getattr(PLAIN, kind)}


def change_share(degradation: Degradation | None, strength: float) -> float:
    """How much of a model's change of a picture is kept, from 0 to 1.

    Up to one half, strength scales the change. From there on it lowers what counts as degraded,
    until at 1 all of the change is kept. Strength alone decides where nothing is told, as None.
    """
    scale = min(1.0, 2.0 * strength)
    if degradation is None or strength == 1.0:
        return scale
    least = _sensitivity(strength)
    worst: float = max(getattr(degradation, f.name) / getattr(PLAIN, f.name) for f in fields(PLAIN))
    x = min(max((worst / least - FAINT) / (1.0 - FAINT), 0.0), 1.0)
    return scale * x * x * (3.0 - 2.0 * x)


def _sensitivity(strength: float) -> float:
    """Factor of ``PLAIN``: 1 up to a strength of one half, falling to 0 at 1."""
    return min(1.0, 2.0 * (1.0 - strength))
