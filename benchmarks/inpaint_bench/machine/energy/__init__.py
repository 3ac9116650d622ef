"""Energy, where the machine has a meter that can be read.

A meter is read at two times; what lies between was used by the whole of what it measures, other
programs included.
"""

from __future__ import annotations

from pathlib import Path

from inpaint_bench.machine.energy.base import Meter, NoMeterError
from inpaint_bench.machine.energy.gpu import find_gpu_meter
from inpaint_bench.machine.energy.rails import find_rail_meter
from inpaint_bench.machine.energy.rapl import find_rapl_meter


def find_meter(root: Path, *, gpu: bool) -> Meter:
    """The meter that sees what runs: a Jetson's rails, or the GPU's, or the processor's.

    gpu: whether a GPU does the work.

    Raises:
        NoMeterError: there is none; the message says what was looked for.
    """
    rails = find_rail_meter(root)
    if rails is not None:
        return rails
    meter = find_gpu_meter() if gpu else find_rapl_meter(root)
    if meter is None:
        looked = (
            "NVML gives no energy" if gpu else "no readable RAPL counter in /sys/class/powercap"
        )
        raise NoMeterError(f"no INA3221 or INA238 in /sys/class/hwmon, and {looked}")
    return meter


__all__ = ["Meter", "NoMeterError", "find_meter"]
