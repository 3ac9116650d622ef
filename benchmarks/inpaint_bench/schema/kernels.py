"""What ``inpaint-bench kernels`` writes."""

from __future__ import annotations

from typing import Literal

from inpaint_bench.schema.base import Part
from inpaint_bench.schema.document import Document
from inpaint_bench.schema.timing import Interval, Ratio, Times


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


class KernelShape(Part):
    """shape: [N, C, H, W]."""

    shape: tuple[int, int, int, int]
    rows: list[KernelRow]
    ratios: list[Ratio]


class CudaRow(Part):
    """One line of the CUDA program's: its own medians, over CUDA events.

    gb_per_second: bytes that must move over the median. share_of_copy: of a device-to-device copy.
    """

    shape: tuple[int, int, int, int]
    dtype: str
    direction: str
    strategy: str
    p50_us: float
    p90_us: float
    gb_per_second: float
    share_of_copy: float
    launches: int


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
