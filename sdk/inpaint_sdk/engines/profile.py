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
    """Pictures at once, and their height and width in pixels."""

    batch: int
    height: int
    width: int

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Reads ``512x768`` (height x width) or ``4x512x768`` (batch first).

        Raises:
            BackendError: it is neither.
        """
        if not re.fullmatch(r"[0-9]+(x[0-9]+){1,2}", text):
            raise BackendError(
                f"{text!r} is no shape; write height x width like 512x768, or with a batch like "
                "4x512x768"
            )
        numbers = [int(part) for part in text.split("x")]
        return cls(*numbers) if len(numbers) == 3 else cls(1, *numbers)

    def __str__(self) -> str:
        return f"{self.batch}x{self.height}x{self.width}"


@dataclass(frozen=True)
class Shapes:
    """The smallest and largest input that an engine takes, and the one that it is tuned for."""

    smallest: Shape
    tuned: Shape
    largest: Shape

    def __post_init__(self) -> None:
        for small, tuned, large in zip(self.smallest, self.tuned, self.largest, strict=True):
            if not 1 <= small <= tuned <= large:
                raise BackendError(
                    f"the shapes {self} are not in order: each number of the first is at least 1 "
                    "and at most the second's, which is at most the third's"
                )

    @classmethod
    def default(cls, model: ModelInfo) -> Shapes:
        """One picture of any size up to ``LONGEST``, tuned for what the model was trained at."""
        multiple = model.size_multiple
        tuned = _round_up(model.trained_size, multiple)
        longest = max(LONGEST - LONGEST % multiple, tuned)
        return cls(Shape(1, multiple, multiple), Shape(1, tuned, tuned), Shape(1, longest, longest))

    @property
    def static(self) -> bool:
        """Whether only one shape is taken."""
        return self.smallest == self.largest

    def check(self, model: ModelInfo) -> None:
        """Raises ``BackendError`` unless the sides are multiples of the model's."""
        multiple = model.size_multiple
        for shape in (self.smallest, self.tuned, self.largest):
            if shape.height % multiple or shape.width % multiple:
                raise BackendError(
                    f"{shape.height}x{shape.width} is not a size of the model {model.name!r}: its "
                    f"sides must be multiples of {multiple}"
                )

    def holds(self, shape: Shape) -> bool:
        """Whether an input of this shape is taken."""
        bounds = zip(self.smallest, shape, self.largest, strict=True)
        return all(small <= here <= large for small, here, large in bounds)

    def to_json(self) -> list[list[int]]:
        """As it is stored in an engine file."""
        return [list(self.smallest), list(self.tuned), list(self.largest)]

    @classmethod
    def from_json(cls, document: object) -> Shapes:
        """Reads what ``to_json`` gave; raises ``ValueError`` or ``TypeError`` for anything else."""
        if not isinstance(document, list):
            raise TypeError("shapes are not a list")
        smallest, tuned, largest = (Shape(*map(int, numbers)) for numbers in document)
        return cls(smallest, tuned, largest)

    def __str__(self) -> str:
        if self.static:
            return str(self.largest)
        return f"{self.smallest} to {self.largest}, tuned for {self.tuned}"


def _round_up(size: int, multiple: int) -> int:
    return size + -size % multiple
