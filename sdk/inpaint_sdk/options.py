"""How pictures are restored: one object, checked when it is made."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Literal, get_args

from inpaint_sdk.errors import OptionError

Strategy = Literal["auto", "crop", "resize", "full"]
MaskMarks = Literal["holes", "damage"]
DamageIn = Literal["frame", "static"]
Clouds = Literal["thin", "thick"]

OVERLAY = "overlay"
"""The kind of damage that is looked for only when it is asked for: text and logos laid over."""

MIN_MEMORY_MB, MAX_MEMORY_MB = 16, 10_000_000
MAX_DILATION = 1000

_KIND = re.compile(r"[a-z][a-z0-9-]*")


def check_choice(name: str, value: object, choices: object) -> None:
    """Raises ``OptionError`` unless ``value`` is one of a ``Literal``'s."""
    if not isinstance(value, str) or value not in get_args(choices):
        listed = ", ".join(repr(choice) for choice in get_args(choices))
        raise OptionError(f"{name} is {value!r}; it must be one of {listed}")


@dataclass(frozen=True)
class DetectionOptions:
    """How sure a detector must be, and how far around its finds a picture is restored.

    Attributes:
        threshold: probability from which a pixel counts as damaged, between 0 and 1.
        dilation: pixels by which the mask is widened before it is restored, since damage has soft
            edges.
        min_mean_probability: probability that a connected region must have on average, or nothing
            of it counts; without effect where it is no more than the threshold. So a scratch is
            followed from where it is plain to where it is faint, and what only resembles damage is
            left alone. Probabilities that are averaged over frames are compared with the threshold
            alone.

    Raises:
        OptionError: one of them is out of range.

    Examples:
        >>> from inpaint_sdk import DetectionOptions
        >>> DetectionOptions(min_mean_probability=0.9, dilation=4)
        DetectionOptions(threshold=0.5, dilation=4, min_mean_probability=0.9)
    """

    threshold: float = 0.5
    dilation: int = 1
    min_mean_probability: float = 0.8

    def __post_init__(self) -> None:
        for name in ("threshold", "min_mean_probability"):
            value = getattr(self, name)
            if not is_number(value) or not 0.0 < value < 1.0:
                raise OptionError(f"{name} is {_shown(value)}; it must be a number between 0 and 1")
            object.__setattr__(self, name, float(value))
        if not is_integer(self.dilation) or not 0 <= self.dilation <= MAX_DILATION:
            raise OptionError(
                f"dilation is {_shown(self.dilation)}; it must be a number of pixels, 0 for none, "
                f"at most {MAX_DILATION}"
            )
        object.__setattr__(self, "dilation", int(self.dilation))


@dataclass(frozen=True)
class Options:
    """How pictures are restored. Given to ``Restorer.load`` for all calls, or to one call.

    Attributes:
        strategy: ``"auto"`` runs an inpainting model on crops around the damage, coarse to fine
            where a hole is wider than the model can bridge, and a model without a mask in one run
            or in tiles. ``"crop"`` leaves out coarse to fine. ``"resize"`` reduces the picture,
            runs once, and enlarges what was filled or changed. ``"full"`` runs once on the whole
            picture.
        memory_mb: bound of a network's working memory, in megabytes beside the picture and the
            result. It decides how a picture is cut, so the same number gives the same result on
            any machine.
        detection: how damage is found where there is no mask.
        kinds: kinds of damage that are looked for where there is no mask, as the detector names
            them: ``scratch``, ``speck``, ``stain``, ``overlay``, ``sensor``. None for every kind
            but ``overlay``: a scene's own text is no damage.
        enhance: for ``"auto"``: a picture that is noisy, blurred or compressed is cleaned too. Only
            when it is asked for, since grain and softness may be the picture's own.
        strength: how far a model for the task ``"enhance"`` may change a picture, from 0 for not at
            all to 1 for all that it would change. At 0.5 a picture that is plainly noisy, blurred
            or compressed is cleaned, and one that is hardly so comes back as it is. Less keeps a
            share of the change; more lowers what counts as degraded. For a model that does not tell
            how degraded a picture is, 0.5 is all of its change.
        add_found: what a detector finds is restored too where a mask is given, outside of it. For
            models that inpaint.
        mask_marks: what a mask that is given marks: ``"holes"``, which are filled from around and
            may be objects that are to vanish; or ``"damage"``, as a detector finds it, which
            ``"auto"`` undoes by what shows through it.
        texture: share of the texture of like, known places that is laid over the inside of wide
            holes, which models that inpaint fill smoothly, from 0 for none to 1 for all of it.

    Raises:
        OptionError: one of them has a value that it cannot take.

    Examples:
        >>> from inpaint_sdk import DetectionOptions, OptionError, Options
        >>> careful = Options(memory_mb=320, detection=DetectionOptions(threshold=0.7))
        >>> try:
        ...     Options(strength=2)
        ... except OptionError as error:
        ...     print(error)
        strength is 2; it must be a number from 0 to 1
    """

    strategy: Strategy = "auto"
    memory_mb: int = 640
    detection: DetectionOptions = field(default_factory=DetectionOptions)
    kinds: frozenset[str] | None = None
    enhance: bool = False
    add_found: bool = False
    strength: float = 0.5
    texture: float = 0.0
    mask_marks: MaskMarks = "holes"

    def __post_init__(self) -> None:
        check_choice("strategy", self.strategy, Strategy)
        check_choice("mask_marks", self.mask_marks, MaskMarks)
        memory = self.memory_mb
        if not is_integer(memory) or not MIN_MEMORY_MB <= memory <= MAX_MEMORY_MB:
            raise OptionError(
                f"memory_mb is {_shown(memory)}; it must be at least {MIN_MEMORY_MB} and at most "
                f"{MAX_MEMORY_MB}, a whole number"
            )
        # A number of numpy's would overflow in what is computed from it.
        object.__setattr__(self, "memory_mb", int(memory))
        if not isinstance(self.detection, DetectionOptions):
            raise OptionError(f"detection is {self.detection!r}; it must be DetectionOptions")
        for name in ("enhance", "add_found"):
            if not isinstance(getattr(self, name), bool):
                value = getattr(self, name)
                raise OptionError(f"{name} is {value!r}; it must be True or False")
        for name in ("strength", "texture"):
            value = getattr(self, name)
            if not is_number(value) or not 0.0 <= value <= 1.0:
                raise OptionError(f"{name} is {_shown(value)}; it must be a number from 0 to 1")
            object.__setattr__(self, name, float(value))
        if self.kinds is not None:
            object.__setattr__(self, "kinds", _checked_kinds(self.kinds))


def check_options(options: object) -> None:
    """Raises ``OptionError`` unless it is an ``Options`` or None."""
    if options is not None and not isinstance(options, Options):
        raise OptionError(
            f"options is a {type(options).__name__}; give inpaint_sdk.Options(...) or None"
        )


def _checked_kinds(kinds: object) -> frozenset[str]:
    listed = list(kinds) if isinstance(kinds, Iterable) and not isinstance(kinds, str) else []
    if not listed or not all(isinstance(kind, str) and _KIND.fullmatch(kind) for kind in listed):
        raise OptionError(f'kinds is {kinds!r}; give a set of words, like {{"scratch", "speck"}}')
    return frozenset(listed)


def _shown(value: object) -> str:
    """A value for messages, short whatever it is."""
    if isinstance(value, Integral) and abs(value) > 10**18:  # type: ignore[operator]
        return "a huge number"
    return reprlib.repr(value)


def is_number(value: object) -> bool:
    """Whether it is a real number, of Python or numpy; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    """Whether it is a whole number, of Python or numpy; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)
