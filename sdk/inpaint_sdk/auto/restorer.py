"""The restorer that chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from inpaint_sdk.auto.parts import NAME, Parts, Role, choose
from inpaint_sdk.errors import ModelError
from inpaint_sdk.images.image import Channels, Image
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask, masked_fraction
from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB, Strategy
from inpaint_sdk.restorer import Restorer, check_strategy
from inpaint_sdk.runners.detector import DetectionOptions, LazyDetector
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.plans import Prepared, RestorationPlan, Step

if TYPE_CHECKING:
    from inpaint_sdk.runners.masked import MaskedRestorer

Clouds = Literal["thin", "thick"]

WIDE = 5 / 8
"""Of the side that the filling model was trained on: wider holes go to one for wide holes."""

DISTORTED = Degradation(noise=0.1, blur=0.2, compression=0.6)
"""From these strengths on a picture is cleaned: less shows less than cleaning does."""


@dataclass(frozen=True)
class _Settings:
    strategy: Strategy
    memory_mb: int


@dataclass(frozen=True)
class _Task:
    """A step and what carries it out, from a picture as the steps before leave it."""

    step: Step
    run: Callable[[Image], NDArray[Any]]


class AutoRestorer(Restorer):
    """Looks at each picture and runs what it needs. Made by ``Restorer.load("auto")``.

    Without a mask: what is distorted all over is cleaned, if a model for that is bundled; then
    damage is looked for in what came of it, since noise hides damage and looks like it; then it is
    filled, where some of it is wide by a model for wide holes, if one is bundled. With a mask only
    what it marks is changed, as always, so nothing is cleaned. Of a satellite's picture, which
    ``clouds`` says it is, the clouds are removed first, and no other damage is looked for.

    ``model`` is the one that fills what is not wide. ``plan`` tells what would be done.
    """

    def __init__(
        self, parts: Parts, channels: Channels, detector: LazyDetector, clouds: Clouds | None
    ) -> None:
        filler = parts.get(_require("fill"))
        super().__init__(filler.model, filler._session, channels, detector)
        self._parts = parts
        self._clouds: Clouds | None = clouds

    def __repr__(self) -> str:
        return f"Restorer({NAME!r}, backend={self.backend!r})"

    def with_mask(
        self,
        mask: MaskLike,
        *,
        steady: bool = False,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> MaskedRestorer:
        """As :meth:`Restorer.with_mask`. ``steady`` frames are filled by one model alone."""
        if steady and self._clouds is not None:
            raise ModelError("clouds are removed from each frame anew, and nothing is steady there")
        if steady:
            return super().with_mask(mask, steady=True, strategy=strategy, memory_mb=memory_mb)
        check_strategy(strategy)
        return self._anew(open_mask(mask), strategy, memory_mb)

    def _prepare(
        self,
        picture: Image,
        hole: Mask | None,
        strategy: Strategy,
        memory_mb: int,
        detection: DetectionOptions | None,
    ) -> Prepared:
        settings = _Settings(strategy, memory_mb)
        tasks: list[_Task] = []
        if self._clouds is not None:
            tasks.append(self._remove_clouds(self._clouds, hole, settings))
        detect = hole is None and self._clouds is None
        if detect:
            tasks += self._clean(picture, settings)
            options = detection or DetectionOptions()
            hole = self._detect(_after(picture, tasks), options, memory_mb).hole(options)
            step = Step("detect", self._detector.get().model.name)
            tasks.append(_Task(step, lambda seen: seen.pixels))
        if hole is not None and hole.any():
            tasks.append(self._fill(hole, settings))
        steps = tuple(task.step for task in tasks)
        damaged = None if hole is None else masked_fraction(hole)
        plan = RestorationPlan(steps, detect, damaged)
        return Prepared(plan, lambda: _after(_copy(picture), tasks).pixels)

    def _remove_clouds(self, clouds: Clouds, hole: Mask | None, settings: _Settings) -> _Task:
        name = _require("thin clouds" if clouds == "thin" else "thick clouds")
        return self._task(Step("restore", name, f"{clouds} clouds"), name, hole, settings)

    def _clean(self, picture: Image, settings: _Settings) -> list[_Task]:
        """Nothing if no model is there for it, or the picture is hardly distorted.

        What a cleaning model says of a picture comes with the cleaned picture, which is kept.
        """
        name = choose("clean")
        if name is None:
            return []
        from inpaint_sdk.runners.enhance import EnhanceRunner

        part = self._parts.get(name)
        cleaner = EnhanceRunner(part._session, part.model, settings.strategy, settings.memory_mb)
        cleaned, found = cleaner.restore_and_diagnose(picture.pixels, picture.channels)
        strengths = {
            kind: getattr(found, kind)
            for kind in ("noise", "blur", "compression")
            if getattr(found, kind) >= getattr(DISTORTED, kind)
        }
        if not strengths:
            return []
        detail = ", ".join(f"{kind} {strength:.2f}" for kind, strength in strengths.items())
        return [_Task(Step("restore", name, detail), lambda _: cleaned)]

    def _fill(self, hole: Mask, settings: _Settings) -> _Task:
        """By the model for wide holes if some are wide: it fills the narrow ones as well."""
        from inpaint_sdk.auto.wide import wide_part

        name, other = self._model.name, choose("fill wide")
        if other is not None and wide_part(hole, WIDE * self._model.trained_size).any():
            name = other
        share = f"{100.0 * masked_fraction(hole):.1f} % of the picture"
        return self._task(Step("inpaint", name, share), name, hole, settings)

    def _task(self, step: Step, name: str, hole: Mask | None, settings: _Settings) -> _Task:
        part = self._parts.get(name)

        def run(picture: Image) -> NDArray[Any]:
            return part._prepare(picture, hole, settings.strategy, settings.memory_mb, None).run()

        return _Task(step, run)


def _require(role: Role) -> str:
    name = choose(role)
    if name is None:
        raise ModelError(f"{NAME} needs a model to {role}, and none is bundled; reinstall the SDK")
    return name


def _after(picture: Image, tasks: list[_Task]) -> Image:
    """The picture that the tasks leave; without any, the same."""
    for task in tasks:
        picture = replace(picture, pixels=task.run(picture))
    return picture


def _copy(picture: Image) -> Image:
    """What is returned is never the caller's own array."""
    return replace(picture, pixels=picture.pixels.copy())
