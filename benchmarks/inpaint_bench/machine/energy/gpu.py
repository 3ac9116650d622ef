"""A desktop GPU's energy counter, through NVML."""

from __future__ import annotations

from typing import Any

from inpaint_bench.machine.energy.base import CounterMeter
from inpaint_bench.machine.nvml import ask, handles, open_nvml


class GpuMeter(CounterMeter):
    """The first GPU's counter, in steps of a millijoule, brought up to date every 20 to 100 ms."""

    def __init__(self, handle: Any) -> None:
        super().__init__("NVML GPU 0")
        self._handle = handle

    def joules(self) -> float:
        return float(open_nvml().nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1e3


def find_gpu_meter() -> GpuMeter | None:
    """None where there is no GPU, or none that counts (before Volta, and on a Jetson)."""
    for handle in handles():
        meter = GpuMeter(handle)
        return None if ask(meter.joules) is None else meter
    return None
