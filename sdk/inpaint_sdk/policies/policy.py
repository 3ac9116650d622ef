"""What every policy does, and the parts that several share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import numpy as np

from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.errors import MaskError, OptionError
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask, masked_fraction
from inpaint_sdk.options import Options
from inpaint_sdk.policies.operations import Inpaint
from inpaint_sdk.policies.plan import MaskPlan, Plan, Step
from inpaint_sdk.runners.detect import Detection, DetectRunner, widen
from inpaint_sdk.runners.inpaint import InpaintRunner

FindDetector = Callable[[], DetectRunner]
"""Gives the detector, which is loaded when it is first needed."""

Share: TypeAlias = "tuple[LoadedModel, Mask]"
"""A model, and what it fills."""

SOFT_EDGE = 1
"""Pixels by which damage is widened beyond ``dilation`` for a model that looks under the mask: it
undoes the soft edges and halos around, where another would paint over what is hardly damaged."""

DAMAGED_EVERYWHERE = (
    "damage was found everywhere, so nothing is known to restore the picture from; give a mask, "
    "or a higher threshold or min_mean_probability"
)


class Policy(Protocol):
    """Turns a picture, perhaps a mask, and options into a plan. May be shared by threads."""

    @property
    def model(self) -> LoadedModel:
        """The model that does the work; where several may, the one for the plainest case."""

    @property
    def undoing(self) -> LoadedModel | None:
        """Another model, by which found damage is undone by what shows through it."""

    @property
    def looks_for_damage(self) -> bool:
        """Whether a detector looks for damage where there is no mask."""

    def plan_mask(self, mask: Mask, options: Options) -> MaskPlan:
        """What is done under a mask.

        Raises:
            MaskError: it covers everything, and nothing would be known to restore from.
            ImageError: the memory is too small for a picture of this size.
        """

    def look(self, image: Image, options: Options, given: Mask | None = None) -> Plan:
        """What is done to a picture without a mask, or beside one if ``options.add_found``."""


def plan_image(policy: Policy, image: Image, mask: Mask | None, options: Options) -> Plan:
    """What a policy does to a picture, with a mask or without."""
    if mask is None or adds_found(policy, options):
        return policy.look(image, options, mask)
    return policy.plan_mask(mask, options).for_image(image)


def adds_found(policy: Policy, options: Options) -> bool:
    """Whether a picture is looked at for damage beside a mask that is given.

    Raises:
        OptionError: that is asked of a model that sees damage by itself.
    """
    if options.add_found and not policy.looks_for_damage:
        raise OptionError(
            f"the model {policy.model.info.name!r} sees damage by itself; add_found (--detect add) "
            "is for models that inpaint, like photo"
        )
    return options.add_found


def plan_filling(model: LoadedModel, mask: Mask, options: Options) -> MaskPlan:
    """How a model for the task ``inpaint`` fills a mask; raises as :meth:`Policy.plan_mask`."""
    fraction = masked_fraction(mask)
    if fraction == 0.0:
        return MaskPlan(mask, (), ())
    if fraction == 1.0:
        raise MaskError(
            "the mask covers the whole image, so nothing is known to restore it from; "
            "nonzero pixels are restored: is it inverted?"
        )
    step = Step("inpaint", model.info.name, f"{100.0 * fraction:.1f} % of the picture")
    runner = InpaintRunner(model, options)
    return MaskPlan(mask, (step,), (Inpaint(runner, runner.plan(mask)),))


def found_mask(model: LoadedModel, mask: Mask, options: Options) -> Mask:
    """What a model fills where a detector's mask marks damage, uint8 [H, W]."""
    return with_soft_edge(model, widen(mask, options.detection.dilation))


def with_soft_edge(model: LoadedModel, mask: Mask) -> Mask:
    """A widened mask of damage, with what a model undoes around it."""
    return widen(mask, SOFT_EDGE) if model.info.kinds else mask


def plan_finding(
    image: Image,
    detector: DetectRunner,
    options: Options,
    share_out: Callable[[Detection], Sequence[Share]],
    plan_mask: Callable[[Mask], MaskPlan],
    given: Mask | None = None,
) -> Plan:
    """Looks for damage and plans the filling of what is found.

    share_out: which models fill what of it, and of what was marked, in this order. plan_mask: of
    what was marked alone, ``given``, where damage was found everywhere.
    """
    started = time.perf_counter()
    detection = detector.detect(image, options)
    shares = share_out(detection)
    found = time.perf_counter()
    joined = np.maximum.reduce([mask for _, mask in shares])
    everywhere = bool(joined.all())
    if everywhere:
        filling = plan_mask(np.zeros_like(joined) if given is None else given)
    else:
        plans = [plan_filling(model, mask, options) for model, mask in shares]
        filling = MaskPlan(
            joined,
            tuple(step for plan in plans for step in plan.steps),
            tuple(operation for plan in plans for operation in plan.operations),
        )
    seconds = {"detect": found - started, "plan": time.perf_counter() - found}
    return Plan(
        image,
        (Step("detect", detector.info.name), *filling.steps),
        filling.operations,
        filling.mask,
        detection,
        unrestorable=DAMAGED_EVERYWHERE if everywhere else "",
        looking=seconds,
    )
