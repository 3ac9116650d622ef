"""``auto``: looks at each picture and runs the models that it needs."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from inpaint_sdk.backends.pool import LoadedModel, ModelPool
from inpaint_sdk.errors import ModelError
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.models.zoo import is_bundled
from inpaint_sdk.options import Options
from inpaint_sdk.policies.operations import Enhanced
from inpaint_sdk.policies.plan import MaskPlan, Plan, Step
from inpaint_sdk.policies.policy import (
    FindDetector,
    Share,
    found_mask,
    plan_filling,
    plan_finding,
    with_soft_edge,
)
from inpaint_sdk.runners.degradation import change_share, kinds_seen
from inpaint_sdk.runners.detect import Detection
from inpaint_sdk.runners.enhance import EnhanceRunner

NAME = "auto"
"""By which ``Restorer.load`` knows this policy."""

Role = Literal["fill", "undo", "clean"]

CHOICES: Mapping[Role, tuple[str, ...]] = {
    "fill": ("photo",),
    # No model for wide holes fills them better (docs/tables/wide.md).
    "undo": ("film",),
    "clean": ("clean",),
}
"""Models for each role, the best first; those that are not bundled are not chosen."""

_log = logging.getLogger(__name__)


def choose(role: Role) -> str | None:
    """The best bundled model for a role, or None if there is none."""
    return next((name for name in CHOICES[role] if is_bundled(name)), None)


class AutoPolicy:
    """Looks at a picture and does what it needs. See :class:`inpaint_sdk.policies.policy.Policy`.

    Without a mask: damage is looked for. Kinds that a model undoes by what shows through them are
    undone, others are filled. With ``options.enhance`` what is distorted all over is cleaned
    before, since noise hides damage and looks like it. With a mask only what it marks is filled,
    or undone if the options say that it marks damage.
    """

    looks_for_damage = True

    def __init__(self, pool: ModelPool, find_detector: FindDetector) -> None:
        name = choose("fill")
        if name is None:
            raise ModelError(f"{NAME} needs a model that inpaints, and none is bundled; reinstall")
        self.model = pool.get(name)
        self._pool = pool
        self._find_detector = find_detector

    @property
    def undoing(self) -> LoadedModel | None:
        """See :class:`inpaint_sdk.policies.policy.Policy`; None if none is bundled."""
        name = choose("undo")
        return None if name is None else self._pool.get(name)

    def plan_mask(self, mask: Mask, options: Options) -> MaskPlan:
        undoing = self._undoing(options, mask) if options.mask_marks == "damage" else None
        if undoing is not None and not (soft := with_soft_edge(undoing, mask)).all():
            return plan_filling(undoing, soft, options)
        return plan_filling(self.model, mask, options)

    def look(self, image: Image, options: Options, given: Mask | None = None) -> Plan:
        # With a mask nothing changes outside of what is marked or found.
        cleaning, cleaned = Plan(image, (), ()), image
        if options.enhance and given is None:
            cleaning, cleaned = self._clean(image, options)
        filling = plan_finding(
            cleaned,
            self._find_detector(),
            options,
            lambda detection: self._share_out(detection, options, given),
            lambda mask: self.plan_mask(mask, options),
            given,
        )
        plan = replace(
            filling,
            image=image,
            steps=(*cleaning.steps, *filling.steps),
            operations=(*cleaning.operations, *filling.operations),
            degradation=cleaning.degradation,
            looking={**cleaning.looking, **filling.looking},
        )
        _log.info("auto: %s", plan)
        return plan

    def _clean(self, image: Image, options: Options) -> tuple[Plan, Image]:
        """A plan for cleaning a picture, which is carried out already, and the cleaned picture.

        An empty plan and the picture itself if no model is there for it, or it is hardly distorted.
        """
        name = choose("clean")
        if name is None:
            return Plan(image, (), ()), image
        started = time.perf_counter()
        runner = EnhanceRunner(self._pool.get(name), options)
        cleaned, found = runner.enhance(image, None, estimate=True)
        looking = {"enhance": time.perf_counter() - started}
        if change_share(found, options.strength) == 0.0:
            return Plan(image, (), (), degradation=found, looking=looking), image
        seen = kinds_seen(found, options.strength)
        detail = ", ".join(f"{kind} {value:.2f}" for kind, value in seen.items())
        plan = Plan(
            image,
            (Step("enhance", name, detail),),
            (Enhanced(cleaned),),
            degradation=found,
            looking=looking,
        )
        return plan, replace(image, pixels=cleaned)

    def _share_out(self, detection: Detection, options: Options, given: Mask | None) -> list[Share]:
        """What is found and what was marked, shared out between the models."""
        marked = np.zeros_like(detection.mask) if given is None else given
        undoing = self._undoing(options, detection.mask | marked)
        undone = filled = np.zeros_like(detection.mask)
        for kind in detection.sought:
            if undoing is not None and kind in undoing.info.kinds:
                undone = undone | detection.kind_mask(kind)
            else:
                filled = filled | detection.kind_mask(kind)
        filled = found_mask(self.model, filled, options)
        if undoing is None:
            return [(self.model, filled | marked)]
        undone = found_mask(undoing, undone, options)
        if options.mask_marks == "damage":
            undone = undone | with_soft_edge(undoing, marked)
        else:
            filled = filled | marked
        return [(undoing, undone & ~filled), (self.model, filled)]

    def _undoing(self, options: Options, mask: Mask) -> LoadedModel | None:
        """The model that undoes damage if there is any, and it is looked at in its own size.

        In a reduced picture nothing shows through.
        """
        return self.undoing if options.strategy != "resize" and mask.any() else None
