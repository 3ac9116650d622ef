"""What is done to the pixels of a picture, one model at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from inpaint_sdk.errors import OptionError
from inpaint_sdk.images.image import Image, Pixels
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.runners.crop_plan import CropPlan
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.enhance import EnhanceRunner
from inpaint_sdk.runners.inpaint import InpaintRunner


class Operation(Protocol):
    """A change of a picture's pixels."""

    @property
    def action(self) -> Literal["enhance", "inpaint"]:
        """What kind of change it is."""

    @property
    def changes_everywhere(self) -> bool:
        """Whether pixels outside of the plan's mask may change."""

    def apply(self, image: Image, out: Pixels | None) -> tuple[Pixels, Degradation | None]:
        """The changed pixels, and how degraded they were if the model says so.

        They are written into ``out``, perhaps the image's own, or a new array.
        """


@dataclass(frozen=True)
class Done:
    """What was done: the record of an operation, without models and pixels."""

    action: Literal["enhance", "inpaint"]
    changes_everywhere: bool

    def apply(self, image: Image, out: Pixels | None) -> tuple[Pixels, None]:
        raise OptionError(
            "this plan belongs to a result, which keeps no picture; make another with "
            "restorer.plan(image)"
        )


@dataclass(frozen=True, eq=False)
class Inpaint:
    """Fills what a mask marks; good for every picture of the mask's size."""

    runner: InpaintRunner
    plan: CropPlan
    action: Literal["inpaint"] = field(default="inpaint", init=False)
    changes_everywhere: bool = field(default=False, init=False)

    def apply(self, image: Image, out: Pixels | None) -> tuple[Pixels, None]:
        return self.runner.fill(image, self.plan, out), None

    def stages(self) -> Iterator[Inpaint]:
        """The same with the output of each stage of the model, up to the last."""
        for runner in self.runner.stages():
            yield Inpaint(runner, self.plan)


@dataclass(frozen=True, eq=False)
class Enhance:
    """Changes a picture as a mask-free model sees fit, where a mask allows it."""

    runner: EnhanceRunner
    mask: Mask | None
    action: Literal["enhance"] = field(default="enhance", init=False)

    @property
    def changes_everywhere(self) -> bool:
        return self.mask is None

    def apply(self, image: Image, out: Pixels | None) -> tuple[Pixels, Degradation | None]:
        return self.runner.enhance(image, self.mask, out)


@dataclass(frozen=True, eq=False)
class Enhanced:
    """What a mask-free model has made already of the one picture that this is for."""

    pixels: Pixels
    action: Literal["enhance"] = field(default="enhance", init=False)
    changes_everywhere: bool = field(default=True, init=False)

    def apply(self, image: Image, out: Pixels | None) -> tuple[Pixels, None]:
        if out is None:
            return self.pixels.copy(), None
        np.copyto(out, self.pixels)
        return out, None
