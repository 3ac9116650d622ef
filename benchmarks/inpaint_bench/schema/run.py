"""What ``inpaint-bench run`` writes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from inpaint_bench.schema.common import (
    CandidateKey,
    CandidateRow,
    Count,
    Document,
    FileId,
    Part,
    Size,
    State,
    Times,
)
from inpaint_eval.timing import Interval, Ratio, Warmup

Scope = Literal["call", "network"]
"""What one call is. ``call``: pixels in, pixels out, through the public API, all conversion and
planning included. ``network``: the network alone, float tensors in and out on the host."""


class Protocol(Part):
    """How calls are timed.

    blocks: of a case; in each block every candidate has one turn. turn_seconds: of timed calls in
    a turn, at least one. candidate_seconds: for one candidate in one case; one that is too slow for
    all blocks gets fewer turns, spread evenly. warmup_seconds: at most. timeout: seconds for
    loading a candidate and its first call.
    """

    blocks: Annotated[int, Field(ge=3)]
    turn_seconds: Annotated[float, Field(gt=0)]
    candidate_seconds: Annotated[float, Field(gt=0)]
    warmup_seconds: Annotated[float, Field(ge=0)]
    energy_seconds: Annotated[float, Field(ge=0)]
    timeout: Annotated[float, Field(gt=0)]


class RunPlan(Part):
    """All that was asked for: every candidate in every case.

    sizes: of the pictures, or empty for the pictures' own. holes: like ``10-20``, percent.
    pictures, masks: folders' names; None for drawn ones. frames: pictures a case.
    """

    candidates: list[CandidateKey]
    scopes: list[Scope]
    sizes: list[Size]
    holes: list[str]
    batches: list[Count]
    threads: list[Count]
    pictures: str | None
    masks: str | None
    frames: Count | None
    protocol: Protocol


class Overhead(Part):
    """What the loop adds to a call: it is measured by timing a call that does nothing.

    microseconds: median and 99th percentile. share: of a call of 5 ms, by the median.
    """

    p50_microseconds: float
    p99_microseconds: float
    share_of_5_ms: float


class Energy(Part):
    """Of everything that the meter sees, while one candidate ran and nothing was timed.

    idle_watts: of the same meter before the case, with nothing running.
    """

    meter: str
    joules_per_picture: float
    watts: float
    idle_watts: float
    pictures: int
    seconds: float


class Loading(Part):
    """What a candidate took in a fresh process, and what came of its first call there.

    load_ms: importing its runtime and making it ready. host_peak_mb: by how much the process's
    memory rose at most (10^6 bytes) from before it was loaded, its runtime included;
    device_peak_mb: what it held on the GPU. None where nothing tells. output_sha256: of the first
    picture's result. notes: what a reader of its figures must know.
    """

    load_ms: float | None = None
    first_call_ms: float | None = None
    host_peak_mb: float | None = None
    device_peak_mb: float | None = None
    output_sha256: str | None = None
    notes: list[str] = Field(default_factory=list)


class Row(CandidateRow, Loading):
    """One candidate in one case.

    pictures_per_second: batch over the median. energy: None with ``energy_reason``.
    """

    warmup: Warmup | None = None
    times: Times | None = None
    pictures_per_second: float | None = None
    energy: Energy | None = None
    energy_reason: str | None = None

    @model_validator(mode="after")
    def _has_times(self) -> Self:
        if self.status == "measured" and self.times is None:
            raise ValueError("a measured row has times")
        return self


class CaseKey(Part):
    """One combination of circumstances. size: None for pictures of their own sizes."""

    scope: Scope
    size: Size | None
    holes: str
    batch: Count
    threads: Count

    def __str__(self) -> str:
        size = "own size" if self.size is None else f"{self.size[0]}x{self.size[1]}"
        return (
            f"{self.scope}, {size}, holes {self.holes} %, batch {self.batch}, "
            f"{self.threads} thread{'s' * (self.threads > 1)}"
        )


class Case(Part):
    """key: its circumstances. pictures: how many. input_sha256: of pictures and masks."""

    key: CaseKey
    pictures: int
    hole_percent: float
    input_sha256: str
    rows: list[Row]
    ratios: list[Ratio]
    states: list[State]

    def ratio(self, of: str, to: str) -> Interval | None:
        """How many times as long ``of`` takes as ``to``; None if that was not measured."""
        for entry in self.ratios:
            found = entry.ratio
            if (entry.of, entry.to) == (of, to):
                return found
            if (entry.of, entry.to) == (to, of):
                return Interval(1 / found.value, low=1 / found.high, high=1 / found.low)
        return None


class RunResult(Document):
    """complete: false while the run goes on, or was interrupted; then it can be resumed."""

    kind: Literal["run"]
    plan: RunPlan
    files: dict[str, FileId]
    overhead: Overhead
    cases: list[Case]
    complete: bool

    @property
    def reference(self) -> str:
        """The candidate that others are compared with: the first peer, or the first of all."""
        peers = [c.label for c in self.plan.candidates if c.kind == "peer"]
        return peers[0] if peers else self.plan.candidates[0].label

    @property
    def others_cpu(self) -> float | None:
        """The largest share of the cores that other programs took at a time; None: not known."""
        states = (state for case in self.cases for state in case.states)
        return max((s.others_cpu for s in states if s.others_cpu is not None), default=None)
