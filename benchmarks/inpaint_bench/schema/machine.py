"""What state a machine was in while it was measured."""

from __future__ import annotations

from inpaint_bench.schema.base import Part


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
