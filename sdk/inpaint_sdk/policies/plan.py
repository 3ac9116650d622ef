"""What is going to be done to a picture, doing it, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import OptionError
from inpaint_sdk.images.image import Image, Pixels
from inpaint_sdk.images.masks import Mask, masked_fraction
from inpaint_sdk.policies.operations import Done, Enhance, Inpaint, Operation
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.detect import Detection

_NO_IMAGE = Image(np.zeros((0, 0), np.uint8))

Action = Literal["detect", "enhance", "inpaint"]


@dataclass(frozen=True)
class Step:
    """One thing that is done to a picture.

    Attributes:
        action: ``detect`` finds the damage, ``inpaint`` fills what the mask marks, ``enhance``
            changes the picture as the model sees fit.
        model: name of the model that does it.
        detail: what was found, or why it is done, for people.
    """

    action: Action
    model: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.action} ({self.model})" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, eq=False)
class MaskPlan:
    """What is done under a mask, whatever the picture: good for all of the mask's size."""

    mask: Mask
    steps: tuple[Step, ...]
    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        # It is handed out with results and is that of later pictures, too.
        self.mask.flags.writeable = False

    def for_image(self, image: Image) -> Plan:
        """The plan for one picture."""
        return Plan(image, self.steps, self.operations, self.mask)


@dataclass(frozen=True, eq=False)
class Plan:
    """What is done to one picture, in this order; :meth:`run` does it without looking twice.

    Attributes:
        steps: what was done to find out, and what is going to be done.
        mask: what is restored, uint8 [H, W], 255 there; None where everything may change. Where
            ``auto`` cleans a picture, which changes it all, what it then fills.
        detection: what a detector found, if one looked.
        degradation: how noisy, blurred and compressed the picture is, if a model looked.
        unrestorable: why nothing of what was found can be restored; empty if something can.
        looking: seconds that it took to make this plan, by action.

    Examples:
        >>> from inpaint_sdk import Restorer
        >>> plan = Restorer.load("photo").plan("photo.png", "mask.png")
        >>> plan.changes, plan.steps[0].action, f"{plan.masked_fraction:.3f}"
        (True, 'inpaint', '0.106')
    """

    image: Image = field(repr=False)
    steps: tuple[Step, ...]
    operations: tuple[Operation, ...] = field(repr=False)
    mask: Mask | None = field(default=None, repr=False)
    detection: Detection | None = field(default=None, repr=False)
    degradation: Degradation | None = None
    unrestorable: str = ""
    looking: Mapping[str, float] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether anything is done to the picture; if not it comes back as it is."""
        return bool(self.operations)

    @property
    def changes_everywhere(self) -> bool:
        """Whether pixels outside of ``mask`` may change too."""
        return any(operation.changes_everywhere for operation in self.operations)

    @cached_property
    def left_alone(self) -> tuple[str, ...]:
        """What was found and is not restored, and why, for people."""
        if self.unrestorable:
            return (self.unrestorable,)
        return () if self.detection is None else tuple(self.detection.left_alone())

    @cached_property
    def masked_fraction(self) -> float | None:
        """Share of the pixels that the mask marks, from 0 to 1; None without a mask."""
        return None if self.mask is None else masked_fraction(self.mask)

    def run(self, *, out: Pixels | None = None) -> Result:
        """Does what is planned.

        Args:
            out: array like the picture's pixels to write the result into, perhaps they themselves;
                None for a new one. For pictures that came as arrays.

        Raises:
            ModelError: a model's output is not finite.
            OptionError: ``out`` is not like the picture's pixels, or cannot be written to.
        """
        _check_out(out, self.image.pixels)
        seconds = dict(self.looking)
        image, target, degradation = self.image, out, self.degradation
        for operation in self.operations:
            started = time.perf_counter()
            target, said = operation.apply(image, target)
            image, degradation = replace(image, pixels=target), degradation or said
            seconds[operation.action] = (
                seconds.get(operation.action, 0.0) + time.perf_counter() - started
            )
        pixels = _written(image.pixels, self, out)
        return Result(self.image.to_original_type(pixels), self._done(), degradation, seconds)

    def _done(self) -> Plan:
        """What a result keeps: no models and no pixels, so that it can be stored and sent."""
        done = (Done(op.action, op.changes_everywhere) for op in self.operations)
        return replace(self, image=_NO_IMAGE, operations=tuple(done))

    def stages(self) -> Iterator[Any]:
        """The picture after each stage of a model that fills holes from their border inward.

        What a stage leaves to later ones shows what it would make of it. The model runs once for
        every picture that is taken, so this is for looking on and not for speed. Of a model without
        stages, the result alone.
        """
        last = self.operations[-1] if self.operations else None
        if not isinstance(last, Inpaint):
            yield self.run().image
            return
        for stage in last.stages():
            yield replace(self, operations=(*self.operations[:-1], stage)).run().image

    def attention(self) -> NDArray[np.float32] | None:
        """Where the model that enhances the picture sees damage: float32 [H, W], from 0 to 1.

        None where no model draws such a map; ``cloud-thin`` and ``cloud-thick`` do.
        """
        for operation in self.operations:
            if isinstance(operation, Enhance) and "attention" in operation.runner.info.outputs:
                return operation.runner.attention(self.image)
        return None

    def __str__(self) -> str:
        said = "; ".join((*map(str, self.steps), *(f"left alone: {s}" for s in self.left_alone)))
        if self.changes:
            return said
        if self.left_alone:
            return f"{said}; the picture is unchanged"
        reason = "nothing is marked" if self.detection is None else "no damage was found"
        return f"{reason}, the picture is unchanged"


@dataclass(frozen=True, eq=False)
class Result:
    """A restored picture and how it came about.

    Attributes:
        image: the restored picture, in the type that came in.
        plan: what was done; it cannot be run again.
        degradation: how noisy, blurred and compressed the picture was, if a model looked.
        seconds: what it took, by action: ``detect``, ``plan``, ``enhance``, ``inpaint``.

    Examples:
        >>> from inpaint_sdk import Restorer
        >>> result = Restorer.load("photo").run("photo.png", "mask.png")
        >>> result.mask.dtype, result.detection
        (dtype('uint8'), None)
        >>> sorted(result.seconds)
        ['inpaint']
    """

    image: Any
    plan: Plan
    degradation: Degradation | None
    seconds: Mapping[str, float]

    @property
    def mask(self) -> Mask | None:
        """What was restored, as the plan has it: uint8 [H, W], 255 there, or None."""
        return self.plan.mask

    @property
    def detection(self) -> Detection | None:
        """What a detector found, if one looked."""
        return self.plan.detection


def _check_out(out: object, pixels: Pixels) -> None:
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise OptionError(f"out is a {type(out).__name__}; it must be an array like the picture's")
    if (out.shape, out.dtype) != (pixels.shape, pixels.dtype):
        raise OptionError(
            f"out is {out.dtype} of shape {out.shape}; it must be like the picture, {pixels.dtype} "
            f"of shape {pixels.shape}"
        )
    same = out.__array_interface__ == pixels.__array_interface__
    if np.may_share_memory(out, pixels) and not same:
        raise OptionError("out overlaps the picture; give the picture itself, or another array")
    if not out.flags.writeable:
        raise OptionError("out cannot be written to; give an array of your own, or a copy")


def _written(pixels: Pixels, plan: Plan, out: Pixels | None) -> Pixels:
    """The result's array: never the caller's own, unless that is what was asked for."""
    if plan.operations:
        return pixels
    if out is None:
        copy: Pixels = pixels.copy(order="C")
        return copy
    if out is not pixels:
        np.copyto(out, pixels)
    return out
