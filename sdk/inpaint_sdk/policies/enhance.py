"""Lets a mask-free model change a picture: all of it, or what a mask marks."""

from __future__ import annotations

from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.options import Options
from inpaint_sdk.policies.operations import Enhance
from inpaint_sdk.policies.plan import MaskPlan, Plan, Step
from inpaint_sdk.runners.enhance import EnhanceRunner


class EnhancePolicy:
    """A model for the task ``enhance``. See :class:`inpaint_sdk.policies.policy.Policy`.

    detail: why it is run, for people.
    """

    looks_for_damage = False
    undoing = None

    def __init__(self, model: LoadedModel, detail: str = "") -> None:
        self.model = model
        self._step = Step("enhance", model.info.name, detail)

    def plan_mask(self, mask: Mask, options: Options) -> MaskPlan:
        if not mask.any():
            return MaskPlan(mask, (), ())
        return MaskPlan(mask, (self._step,), (Enhance(EnhanceRunner(self.model, options), mask),))

    def look(self, image: Image, options: Options, given: Mask | None = None) -> Plan:
        return Plan(image, (self._step,), (Enhance(EnhanceRunner(self.model, options), None),))
