"""Fills what a mask marks, or what a detector finds."""

from __future__ import annotations

from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.options import Options
from inpaint_sdk.policies.plan import MaskPlan, Plan
from inpaint_sdk.policies.policy import FindDetector, plan_filling, plan_finding


class InpaintPolicy:
    """A model for the task ``inpaint``. See :class:`inpaint_sdk.policies.policy.Policy`."""

    looks_for_damage = True

    def __init__(self, model: LoadedModel, find_detector: FindDetector) -> None:
        self.model = model
        self._find_detector = find_detector

    def plan_mask(self, mask: Mask, options: Options) -> MaskPlan:
        return plan_filling(self.model, mask, options)

    def look(self, image: Image, options: Options, given: Mask | None = None) -> Plan:
        return plan_finding(
            image, self._find_detector(), options, lambda mask: self.plan_mask(mask, options), given
        )
