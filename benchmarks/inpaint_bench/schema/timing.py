"""Times, and ratios of times, as result files hold them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import Self

from inpaint_bench.schema.base import Part

Milliseconds = Annotated[float, Field(ge=0)]


class Times(Part):
    """Times of single calls, in milliseconds.

    turns: each turn's calls; turn i was in block ``blocks[i]``. p50, p90, p99: over all calls.
    """

    blocks: list[int]
    turns: list[list[Milliseconds]]
    p50: Milliseconds
    p90: Milliseconds
    p99: Milliseconds

    @classmethod
    def of(cls, blocks: list[int], turns: list[list[float]]) -> Self:
        """Summarises turns, whose times are kept to the microsecond."""
        turns = [[round(t, 3) for t in turn] for turn in turns]
        p50, p90, p99 = _percentiles(turns)
        return cls(blocks=blocks, turns=turns, p50=p50, p90=p90, p99=p99)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.turns or not all(self.turns):
            raise ValueError("there must be a turn, and a call in each")
        if len(self.blocks) != len(self.turns) or sorted(set(self.blocks)) != self.blocks:
            raise ValueError("there must be one block for each turn, in ascending order")
        found = _percentiles(self.turns)
        if not np.allclose(found, (self.p50, self.p90, self.p99), rtol=1e-3, atol=1e-3):
            raise ValueError(f"p50, p90 and p99 of these turns are {found}")
        return self

    @property
    def calls(self) -> list[float]:
        """All calls."""
        return [t for turn in self.turns for t in turn]


def _percentiles(turns: list[list[float]]) -> tuple[float, float, float]:
    calls = [t for turn in turns for t in turn]
    p50, p90, p99 = (round(float(v), 4) for v in np.percentile(calls, (50, 90, 99)))
    return p50, p90, p99


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50, p90 and p99 of calls' times, and their number as ``runs``."""
    p50, p90, p99 = _percentiles([milliseconds])
    return {"p50": p50, "p90": p90, "p99": p99, "runs": len(milliseconds)}
