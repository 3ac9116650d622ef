"""The kinds of result files, a class for each command that writes one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
from inpaint_eval.cost import Network
from inpaint_eval.scores import Score
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

    measured_fields = ("times",)

    warmup: Warmup | None = None
    times: Times | None = None
    pictures_per_second: float | None = None
    energy: Energy | None = None
    energy_reason: str | None = None


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


class Sample(Part):
    """A picture and its mask; sha256 of both. hole_percent: None where there is no mask."""

    picture: str
    mask: str | None
    hole_percent: float | None
    size: tuple[int, int]
    sha256: str


class QualityRow(CandidateRow):
    """One candidate on one group's pictures: its mean, and each sample's scores in their order."""

    measured_fields = ("mean", "scores")

    mean: Score | None = None
    scores: list[Score] = Field(default_factory=list)


class Group(Part):
    """Pictures under masks of one kind and ratio.

    mask_kind: a folder's name, or one of the drawn kinds, or ``none``. holes: like ``10-20``.
    """

    mask_kind: str
    holes: str | None
    samples: list[Sample]
    rows: list[QualityRow]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for row in self.rows:
            if row.scores and len(row.scores) != len(self.samples):
                raise ValueError(
                    f"{row.candidate} has {len(row.scores)} scores for {len(self.samples)} samples"
                )
        return self

    @property
    def title(self) -> str:
        """Kind and ratio."""
        return self.mask_kind if self.holes is None else f"{self.mask_kind}, {self.holes} %"


class QualityResult(Document):
    """pictures: the folder's name. complete: false while it goes on, or was interrupted."""

    kind: Literal["quality"]
    pictures: str
    candidates: list[CandidateKey]
    files: dict[str, FileId]
    groups: list[Group]
    complete: bool


class KernelRow(Part):
    """One candidate on one shape.

    bytes: that must move, and launches: of kernels; None where a candidate does more than that.
    bandwidth_share: of a copy of as many bytes in the same run.
    """

    candidate: str
    times: Times
    bytes: int | None
    launches: int | None
    bandwidth_share: Interval | None

    @property
    def gigabytes_per_second(self) -> float | None:
        """Bytes that must move over the median."""
        return None if self.bytes is None else self.bytes / self.times.p50 / 1e6


class KernelShape(Part):
    """shape: [N, C, H, W]."""

    shape: tuple[int, int, int, int]
    rows: list[KernelRow]
    ratios: list[Ratio]


class CudaTimes(Part):
    """Microseconds, by CUDA events."""

    p50: float
    p90: float


class CudaRow(Part):
    """One line of the CUDA program's.

    bytes: that must move. launches: kernels of one call. copy_us: a device-to-device copy of as
    many bytes. auto_share_of_copy: of its speed, by the strategy that the library chooses.
    """

    direction: Literal["forward", "backward"]
    shape: tuple[int, int, int, int]
    dtype: str
    bytes: int
    launches: int
    copy_us: CudaTimes
    strategies_us: dict[str, CudaTimes]
    auto_share_of_copy: float


class KernelsResult(Document):
    """cuda: None where no GPU was measured, with the reason."""

    kind: Literal["kernels"]
    instruction_set: str
    dtype: str
    threads: int
    left_out: list[str]
    shapes: list[KernelShape]
    cuda: list[CudaRow] | None
    cuda_reason: str | None


class Device(Part):
    """Peak rates of a device. What was not published or measured is None.

    multiply_adds: a second, by precision. bytes_per_second: of its memory. cache_bytes: a tensor
    that is not larger may never reach the memory. source: ``measured`` here, or ``published`` by
    its maker, and where.
    """

    name: str
    source: Literal["measured", "published"]
    reference: str
    multiply_adds: dict[str, float]
    bytes_per_second: float
    cache_bytes: float


class Bound(Part):
    """The least time that a network can take on a device. Not a measurement.

    least_ms: of any program at all, the longer of what its multiply-adds take at the peak rate, and
    reading weights and inputs and writing outputs once. layered_ms: of a program that runs layer
    after layer through memory. Each layer takes the longer of its arithmetic and its traffic; a
    node that is fused costs no time.
    measured_ms: what a run took, and efficiency: layered_ms over it. None where nothing was
    measured on this device.
    """

    device: str
    model: str
    precision: str
    size: tuple[int, int]
    least_ms: float
    layered_ms: float
    bound_by: Literal["arithmetic", "memory"]
    measured_ms: float | None
    efficiency: float | None


class RooflineResult(Document):
    """bounds: one for each network on each device whose rates for its precision are known."""

    kind: Literal["roofline"]
    networks: list[Network]
    devices: list[Device]
    bounds: list[Bound]


class SdkRow(Part):
    """One row: its figures, which every row has its own of, and the bar that they are held to."""

    bar: str
    figures: dict[str, Any]


class SdkResult(Document):
    """rows: by name."""

    kind: Literal["sdk"]
    rows: dict[str, SdkRow]


BenchResult = RunResult | QualityResult | KernelsResult | RooflineResult | SdkResult
