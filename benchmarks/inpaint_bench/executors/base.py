"""What can be measured: anything that restores a picture, behind one small protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.schema.run import CandidateKey, Scope

Pixels = NDArray[np.uint8]


class CannotRunError(Exception):
    """A candidate cannot do what is asked of it here; the message is the row's reason."""


@dataclass(frozen=True)
class Frame:
    """What one call gets: pictures of one size, uint8 BGR [H, W, 3], and a mask [H, W] for each.

    A mask is 255 in the hole.
    """

    pictures: tuple[Pixels, ...]
    masks: tuple[Pixels, ...]


@dataclass(frozen=True)
class Order:
    """Which candidate, and how it is to be called. threads: of the processor."""

    candidate: CandidateKey
    scope: Scope
    threads: int
    batch: int


class Executor(Protocol):
    """A candidate, from loading to closing. What the constructor does is not timed."""

    notes: list[str]
    """What a reader of its figures must know. Complete after ``load``."""

    gpu: bool
    """Whether a GPU does the work."""

    def load(self) -> None:
        """Makes it ready.

        Raises:
            CannotRunError: it cannot do this here.
        """

    def feed(self, frame: Frame) -> Any:
        """What ``infer`` takes for a frame. Not timed."""

    def infer(self, fed: Any) -> Any:
        """One call; returns when the result is in the host's memory. This is what is timed."""

    def pictures(self, result: Any) -> list[Pixels]:
        """The restored pictures, uint8 BGR [H, W, 3]. Not timed."""

    def device_mb(self) -> float | None:
        """Memory that this process holds on the GPU, 10^6 bytes; None where nothing tells."""

    def close(self) -> None:
        """Gives back threads and memory."""
