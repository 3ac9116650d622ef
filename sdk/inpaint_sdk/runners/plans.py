"""What is going to be done to a picture, or was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from inpaint_sdk.images.image import Pixels

Action = Literal["detect", "inpaint", "restore"]


@dataclass(frozen=True)
class Step:
    """One thing that is done.

    action: ``detect`` finds the damage, ``inpaint`` fills what is marked, ``restore`` changes the
    picture as the model sees fit. model: by which. detail: what was found or why it is done, for
    people.
    """

    action: Action
    model: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.action} ({self.model})" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class RestorationPlan:
    """What is done to one picture, in this order.

    detect: whether a detector draws the mask, since none was given. damaged: share of the pixels
    that are marked, from 0 to 1; None without a mask.
    """

    steps: tuple[Step, ...]
    detect: bool = False
    damaged: float | None = None

    @property
    def changes(self) -> bool:
        """Whether anything is done to the picture; if not it comes back as it is."""
        return any(step.action != "detect" for step in self.steps)

    def __str__(self) -> str:
        said = "; ".join(map(str, self.steps))
        if self.changes:
            return said
        reason = "no damage was found" if self.detect else "nothing is marked"
        return f"{reason}, the picture is unchanged"


@dataclass(frozen=True)
class Prepared:
    """A plan for one picture and what carries it out."""

    plan: RestorationPlan
    run: Callable[[], Pixels]
