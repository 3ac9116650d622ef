"""``auto``: looks at each picture and runs the models that it needs."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from inpaint_sdk.backends.pool import LoadedModel, ModelPool
from inpaint_sdk.errors import ModelError
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.models.zoo import is_bundled
from inpaint_sdk.options import Options
from inpaint_sdk.policies.operations import Enhance
from inpaint_sdk.policies.plan import MaskPlan, Plan, Step
from inpaint_sdk.policies.policy import FindDetector, plan_filling, plan_finding
from inpaint_sdk.policies.wide import has_wide_part
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.enhance import EnhanceRunner

NAME = "auto"
"""By which ``Restorer.load`` knows this policy."""

Role = Literal["fill", "fill wide", "clean"]

CHOICES: Mapping[Role, tuple[str, ...]] = {
    "fill": ("photo",),
    "fill wide": ("photo-codebook",),  # photo-staged does not win: docs/tables/wide.md
    "clean": ("clean",),
}
"""Models for each role, the best first; those that are not bundled are not chosen."""

WIDE = 5 / 8
"""Of the side that the filling model was trained on: wider holes go to one for wide holes."""

MIN_DEGRADATION = Degradation(noise=0.1, blur=0.2, compression=0.6)
"""Below these, cleaning does more harm than the distortion."""

_log = logging.getLogger(__name__)


def choose(role: Role) -> str | None:
    """The best bundled model for a role, or None if there is none."""
    return next((name for name in CHOICES[role] if is_bundled(name)), None)


class AutoPolicy:
    """Looks at a picture and does what it needs. See :class:`inpaint_sdk.policies.policy.Policy`.

    Without a mask: damage is looked for and filled, where some of it is wide by a model for wide
    holes, if one is bundled. With ``options.enhance`` what is distorted all over is cleaned before,
    since noise hides damage and looks like it. With a mask only what it marks is filled.
    """

    looks_for_damage = True

    def __init__(self, pool: ModelPool, find_detector: FindDetector) -> None:
        name = choose("fill")
        if name is None:
            raise ModelError(f"{NAME} needs a model that inpaints, and none is bundled; reinstall")
        self.model = pool.get(name)
        self._pool = pool
        self._find_detector = find_detector

    def plan_mask(self, mask: Mask, options: Options) -> MaskPlan:
        return plan_filling(self.model if mask.all() else self._model_for(mask), mask, options)

    def look(self, image: Image, options: Options, given: Mask | None = None) -> Plan:
        started = time.perf_counter()
        # With a mask nothing changes outside of what is marked or found.
        nothing: tuple[tuple[Step, ...], tuple[Enhance, ...], Degradation | None] = (), (), None
        cleans = options.enhance and given is None
        steps, operations, degradation = self._clean(image, options) if cleans else nothing
        cleaned = image
        for operation in operations:
            if operation.enhanced is not None:
                cleaned = replace(image, pixels=operation.enhanced)
        plan = plan_finding(
            cleaned,
            self._find_detector(),
            options,
            lambda mask: self.plan_mask(mask, options),
            given,
            {"enhance": time.perf_counter() - started} if cleans else None,
        )
        _log.info("auto: %s", plan)
        return replace(
            plan,
            image=image,
            steps=(*steps, *plan.steps),
            operations=(*operations, *plan.operations),
            degradation=degradation,
        )

    def _clean(
        self, image: Image, options: Options
    ) -> tuple[tuple[Step, ...], tuple[Enhance, ...], Degradation | None]:
        """Nothing if no model is there for it, or the picture is hardly distorted.

        How degraded a picture is comes with the cleaned picture, which is kept.
        """
        name = choose("clean")
        if name is None:
            return (), (), None
        runner = EnhanceRunner(self._pool.get(name), options)
        cleaned, found = runner.enhance(image, None, estimate=True)
        strengths = {
            kind: strength
            for kind in ("noise", "blur", "compression")
            if (strength := getattr(found, kind)) >= getattr(MIN_DEGRADATION, kind)
        }
        if not strengths:
            return (), (), found
        detail = ", ".join(f"{kind} {strength:.2f}" for kind, strength in strengths.items())
        return (Step("enhance", name, detail),), (Enhance(runner, None, cleaned),), found

    def _model_for(self, mask: Mask) -> LoadedModel:
        """The model for wide holes if some are wide: it fills the narrow ones as well."""
        name = choose("fill wide")
        if name is not None and has_wide_part(mask, WIDE * self.model.info.trained_size):
            return self._pool.get(name)
        return self.model
