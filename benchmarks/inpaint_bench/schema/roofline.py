"""What ``inpaint-bench roofline`` writes."""

from __future__ import annotations

from typing import Literal

from inpaint_bench.schema.common import Document, Part
from inpaint_eval.cost import Network


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
