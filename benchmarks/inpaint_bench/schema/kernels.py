"""What ``inpaint-bench kernels`` writes."""

from __future__ import annotations

from typing import Literal

from inpaint_bench.schema.common import Document, Part, Times
from inpaint_eval.timing import Interval, Ratio


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
