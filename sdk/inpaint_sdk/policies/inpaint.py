"""Fills what a mask marks, or what a detector finds."""

from __future__ import annotations

from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.options import Options
from inpaint_sdk.policies.plan import MaskPlan, Plan
from inpaint_sdk.policies.policy import (
    FindDetector,
    Share,
    found_mask,
    plan_filling,
    plan_finding,
)
from inpaint_sdk.runners.detect import Detection


class InpaintPolicy:
    """A model for the task ``inpaint``. See :class:`inpaint_sdk.policies.policy.Policy`."""

    looks_for_damage = True
    undoing = None

    def __init__(self, model: LoadedModel, find_detector: FindDetector) -> None:
        self.model = model
        self._find_detector = find_detector

    def plan_mask(self, mask: Mask, options: Options) -> MaskPlan:
        return plan_filling(self.model, mask, options)

    def look(self, image: Image, options: Options, given: Mask | None = None) -> Plan:
        def share_out(detection: Detection) -> list[Share]:
            found = found_mask(self.model, detection.mask, options)
            return [(self.model, found if given is None else found | given)]

        return plan_finding(
            image,
            self._find_detector(),
            options,
            share_out,
            lambda mask: self.plan_mask(mask, options),
            given,
        )
