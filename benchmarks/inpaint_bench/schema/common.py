"""What result files of several kinds have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from inpaint_eval.machine import Machine, read_machine
from inpaint_eval.record import now
from inpaint_eval.timing import Turns

FORMAT_VERSION = 2
"""Of result files. It rises when a reader of the last version would misread a file."""

Milliseconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Size = tuple[Count, Count]
"""Height and width in pixels."""


class Part(BaseModel):
    """A part of a result file: nothing in it may be unknown, missing, infinite or NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Measured(Part):
    """started, finished: UTC, ISO 8601. remarks: what a reader must know, like a busy machine."""

    started: str
    finished: str
    machine: Machine
    remarks: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked for was measured; only some kinds can be without that."""
        return bool(getattr(self, "complete", True))


class Document(Measured):
    """What ``inpaint-bench`` writes."""

    format: Literal["inpaint-bench"]
    format_version: Annotated[int, Field(ge=FORMAT_VERSION, le=FORMAT_VERSION)]

    @classmethod
    def begin(cls, remarks: str, **fields: Any) -> Self:
        """A document of this machine, begun now. fields: all others."""
        return cls(
            format="inpaint-bench",
            format_version=FORMAT_VERSION,
            started=now(),
            finished=now(),
            machine=read_machine(),
            remarks=remarks,
            **fields,
        )

    def with_more(self, **fields: Any) -> Self:
        """A copy with other fields, finished now."""
        return self.model_copy(update={**fields, "finished": now()})


class EvaluationResult(Measured):
    """What ``inpaint-export eval`` writes. kind: of :data:`inpaint_eval.evaluations.TABLES`."""

    model_config = ConfigDict(extra="allow")

    format: Literal["inpaint-export"]
    kind: str


class CandidateKey(Part):
    """What is measured.

    kind: a model of ours, a classical peer, or an ONNX file that the user brought. name: the
    model's or the peer's. source: name or path that it was loaded by. backend: what runs it.
    """

    kind: Literal["model", "peer", "onnx"]
    name: str
    source: str
    backend: str
    precision: str

    @property
    def label(self) -> str:
        """Name, and for a model its backend and precision."""
        if self.kind == "peer":
            return self.name
        return f"{self.name}/{self.backend}/{self.precision}"


class CandidateRow(Part):
    """One candidate's row. reason: why it failed; then it has no figures.

    measured_fields: those that a measured row must have.
    """

    measured_fields: ClassVar[tuple[str, ...]]

    candidate: str
    status: Literal["measured", "failed"]
    reason: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = ("reason",) if self.status == "failed" else self.measured_fields
        for name in needed:
            if not getattr(self, name):
                raise ValueError(f"a {self.status} row has {name}")
        return self


class FileId(Part):
    """A model's file."""

    name: str
    bytes: int
    sha256: str


class State(Part):
    """The machine at one time.

    seconds: since the start. load_average: of the last minute. others_cpu: the cores' share, from
    0 to 1, that other processes and other virtual machines took since the state before.
    cpu_mhz: the fastest core's clock. temperatures: degrees Celsius by zone. throttling: what holds
    the clocks down; events are counted since the machine's start.
    """

    seconds: float
    load_average: float | None
    others_cpu: float | None
    cpu_mhz: float | None
    gpu_mhz: float | None
    temperatures: dict[str, float]
    throttling: list[str]


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
    def of(cls, turns: Turns) -> Self:
        """Summarises turns, whose times are kept to the microsecond."""
        kept = Turns(turns.blocks, [[round(t, 3) for t in turn] for turn in turns.turns])
        return cls.model_validate({**vars(kept), **percentiles(kept.calls)})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.turns or not all(self.turns):
            raise ValueError("there must be a turn, and a call in each")
        if len(self.blocks) != len(self.turns) or sorted(set(self.blocks)) != self.blocks:
            raise ValueError("there must be one block for each turn, in ascending order")
        found = percentiles(self.as_turns().calls)
        stated = (self.p50, self.p90, self.p99)
        if not np.allclose(list(found.values()), stated, rtol=1e-3, atol=1e-3):
            raise ValueError(f"p50, p90 and p99 of these turns are {found}")
        return self

    def as_turns(self) -> Turns:
        """The turns that these are times of."""
        return Turns(self.blocks, self.turns)


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50, p90 and p99 of calls' times."""
    found = np.percentile(milliseconds, (50, 90, 99))
    return {name: round(float(v), 4) for name, v in zip(("p50", "p90", "p99"), found, strict=True)}
