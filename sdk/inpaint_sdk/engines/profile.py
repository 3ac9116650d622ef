"""Sizes of input that an engine is built for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from inpaint_sdk.errors import BackendError
from inpaint_sdk.models.info import ModelInfo

LONGEST = 2048
"""Side, in pixels, of the largest input of an engine that is built without being told."""


class Shape(NamedTuple):
    """Images at once, and their height and width in pixels."""

    batch: int
    height: int
    width: int

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Reads ``512x768`` (height x width) or ``4x512x768`` (batch first).

        Raises:
            BackendError: it is neither.
        """
        if not re.fullmatch(r"[0-9]{1,9}(x[0-9]{1,9}){1,2}", text):
            raise BackendError(
                f"{text!r} is no shape; write height x width like 512x768, or with a batch like "
                "4x512x768"
            )
        numbers = [int(part) for part in text.split("x")]
        return cls(*numbers) if len(numbers) == 3 else cls(1, *numbers)

    def __str__(self) -> str:
        return f"{self.batch}x{self.height}x{self.width}"


@dataclass(frozen=True)
class OptimizationProfile:
    """The smallest and the largest input that an engine takes, and the one that it is tuned for.

    Raises:
        BackendError: they are not in order.
    """

    min: Shape
    opt: Shape
    max: Shape

    def __post_init__(self) -> None:
        for least, best, most in zip(self.min, self.opt, self.max, strict=True):
            if not 1 <= least <= best <= most:
                raise BackendError(
                    f"the shapes {self} are not in order: each number of the first is at least 1 "
                    "and at most the second's, which is at most the third's"
                )

    @classmethod
    def default(cls, model: ModelInfo) -> OptimizationProfile:
        """One image of any size up to ``LONGEST``, tuned for what the model was trained at.

        Lines of text have the one height that their reader takes.
        """
        multiple = model.size_multiple
        if model.task == "read":
            height = model.trained_size
            widths = multiple, 10 * height, LONGEST - LONGEST % multiple
            return cls(*(Shape(1, height, width) for width in widths))
        best = model.trained_size + -model.trained_size % multiple
        most = max(LONGEST - LONGEST % multiple, best)
        return cls(Shape(1, multiple, multiple), Shape(1, best, best), Shape(1, most, most))

    @property
    def static(self) -> bool:
        """Whether only one shape is taken."""
        return self.min == self.max

    def check(self, model: ModelInfo) -> None:
        """Raises ``BackendError`` unless the sides are such as the model takes."""
        multiple = model.size_multiple
        for shape in (self.min, self.opt, self.max):
            if model.task == "read" and shape.height != model.trained_size:
                raise BackendError(
                    f"{shape.height}x{shape.width} is not a size of the model {model.name!r}: it "
                    f"reads lines of {model.trained_size} pixels of height"
                )
            if shape.height % multiple or shape.width % multiple:
                raise BackendError(
                    f"{shape.height}x{shape.width} is not a size of the model {model.name!r}: its "
                    f"sides must be multiples of {multiple}"
                )

    def holds(self, shape: Shape) -> bool:
        """Whether an input of this shape is taken."""
        bounds = zip(self.min, shape, self.max, strict=True)
        return all(least <= here <= most for least, here, most in bounds)

    def __str__(self) -> str:
        if self.static:
            return str(self.max)
        return f"{self.min} to {self.max}, tuned for {self.opt}"
