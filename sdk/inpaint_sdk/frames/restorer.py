"""The one thing that videos, streams, GStreamer and loops of one's own run on frames."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from inpaint_sdk.errors import ImageError, MaskError, OptionError
from inpaint_sdk.frames.static_damage import StaticDamage, masks_differ
from inpaint_sdk.frames.steadiness import SteadyInpaint
from inpaint_sdk.images.files import ImageLike, open_image
from inpaint_sdk.images.image import Channels, Image, Pixels
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask
from inpaint_sdk.options import DamageIn, Options, check_choice
from inpaint_sdk.policies.operations import Inpaint
from inpaint_sdk.policies.plan import MaskPlan, Plan, Result
from inpaint_sdk.policies.policy import (
    DAMAGED_EVERYWHERE,
    FindDetector,
    Policy,
    adds_found,
    plan_image,
)

WARMUP_FRAMES = 16
"""Frames at the start that are all looked at; later only every ``DETECT_EVERY``-th is."""

DETECT_EVERY = 8

MASK_IS_EVERYTHING = "the frame's mask covers it all, so nothing is known to restore it from"

_log = logging.getLogger(__name__)


class FrameRestorer:
    """Restores frames in order. Made by :meth:`inpaint_sdk.Restorer.frames`.

    Without a mask, in frames that are looked at for static damage, the first are all looked at, so
    what is fixed shows after a few; until then a find may be the picture's own. A frame that is
    damaged everywhere comes back as it is: that is logged, and ``result.plan.left_alone`` says so.
    To be shared by threads only with a mask, and without ``steady``.

    Examples:
        >>> import numpy as np
        >>> from inpaint_sdk import Restorer
        >>> restore = Restorer.load("photo").frames(np.eye(90, 130, dtype=bool))
        >>> restore(np.full((90, 130, 3), 127, np.uint8)).shape
        (90, 130, 3)
    """

    def __init__(
        self,
        policy: Policy,
        find_detector: FindDetector,
        channels: Channels,
        options: Options,
        *,
        mask: MaskLike | None,
        damage: DamageIn,
        steady: bool,
    ) -> None:
        check_choice("damage", damage, DamageIn)
        if damage == "static" and not policy.looks_for_damage:
            raise OptionError(
                f"the model {policy.model.info.name!r} sees damage by itself; static damage is "
                "found for models that inpaint, like photo"
            )
        if damage == "static" and mask is not None:
            raise OptionError("static damage is looked for without a mask; leave one of them out")
        self._policy = policy
        self._find_detector = find_detector
        self._channels: Channels = channels
        self._options = options
        self._steady = steady
        self._static = StaticDamage(options) if damage == "static" else None
        self._frames = 0
        self._plan: MaskPlan | None = None
        self._added_to: Mask | None = None
        if mask is not None and adds_found(policy, options):
            self._added_to = open_mask(mask)
            policy.plan_mask(self._added_to, options)  # refused now, and not at the first frame
        elif mask is not None:
            self._plan = self._plan_mask(open_mask(mask))

    @property
    def mask(self) -> Mask | None:
        """The mask that holds for all frames now, uint8 [H, W]; None if each has its own."""
        return None if self._plan is None else self._plan.mask

    def __call__(
        self, image: ImageLike, mask: MaskLike | None = None, *, out: Pixels | None = None
    ) -> Any:
        """The restored frame, in the type that came in; as :meth:`run`."""
        return self.run(image, mask, out=out).image

    def run(
        self, image: ImageLike, mask: MaskLike | None = None, *, out: Pixels | None = None
    ) -> Result:
        """Restores one frame.

        Args:
            image: in any form that :meth:`inpaint_sdk.Restorer.restore` takes, usually an array.
            mask: of this frame alone, in place of what would be looked for.
            out: array like the frame to write the result into, perhaps the frame itself; None for
                a new one. For frames that are arrays.

        Raises:
            ImageError: the frame cannot be used, or is of another size than the mask.
            OptionError: a mask for a frame was given where one holds for all, or ``out`` cannot
                take the result.
            MaskError, ModelError: as :meth:`inpaint_sdk.Restorer.run` raises them.
        """
        opened = open_image(image, self._channels)
        return self._plan_frame(opened, mask).run(out=out)

    def _plan_frame(self, image: Image, mask: MaskLike | None) -> Plan:
        if mask is not None:
            held = (self._plan, self._added_to, self._static)
            if any(one is not None for one in held):
                raise OptionError(
                    "a mask was given for this frame, and one holds for all; give one of them"
                )
            own = open_mask(mask, *image.pixels.shape[:2])
            try:
                return self._look(image, own)
            except MaskError:
                if not own.all():
                    raise
                return _left_alone(image, MASK_IS_EVERYTHING)
        if self._static is not None:
            return self._plan_static(image, self._static)
        if self._plan is not None:
            _check_size(image.pixels, self._plan.mask)
            return self._plan.for_image(image)
        if self._added_to is not None:
            _check_size(image.pixels, self._added_to)
        return self._look(image, self._added_to)

    def _look(self, image: Image, mask: Mask | None) -> Plan:
        plan = plan_image(self._policy, image, mask, self._options)
        if plan.unrestorable:
            _log.warning("what was found in a frame is left as it is: %s", plan.unrestorable)
        return plan

    def _plan_static(self, image: Image, static: StaticDamage) -> Plan:
        if self._frames < WARMUP_FRAMES or self._frames % DETECT_EVERY == 0:
            found = self._find_detector().detect(image, self._options)
            static.add(found.probability())
            mask = static.mask
            if self._plan is None or masks_differ(mask, self._plan.mask):
                self._plan = None if mask.all() else self._plan_mask(mask)
        self._frames += 1
        if self._plan is None:
            return _left_alone(image, DAMAGED_EVERYWHERE)
        _check_size(image.pixels, self._plan.mask)
        return self._plan.for_image(image)

    def _plan_mask(self, mask: Mask) -> MaskPlan:
        plan = self._policy.plan_mask(mask, self._options)
        if not self._steady:
            return plan
        return replace(
            plan,
            operations=tuple(
                SteadyInpaint(operation) if isinstance(operation, Inpaint) else operation
                for operation in plan.operations
            ),
        )


def _left_alone(image: Image, reason: str) -> Plan:
    _log.warning("a frame is left as it is: %s", reason)
    nothing = np.zeros(image.pixels.shape[:2], np.uint8)
    return Plan(image, (), (), nothing, unrestorable=reason)


def _check_size(pixels: Pixels, mask: Mask) -> None:
    if pixels.shape[:2] != mask.shape:
        height, width = mask.shape
        raise ImageError(
            f"the frame is {pixels.shape[1]}x{pixels.shape[0]}, the mask is {width}x{height} "
            "(width x height); they must be of one size"
        )
