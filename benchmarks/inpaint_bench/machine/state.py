"""The machine's state while something is measured."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from inpaint_bench.machine import jetson, nvml, thermal
from inpaint_bench.machine.cpu import cpu_mhz
from inpaint_bench.schema.machine import State


class StateReader:
    """Reads states; each says what other programs took since the one before."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._started = time.monotonic()
        self._own = psutil.Process()
        self._last = self._clocks()

    def read(self) -> State:
        """The state now. Takes some milliseconds, so it is not for between two timed calls."""
        (busy, total, own), last = self._clocks(), self._last
        self._last = (busy, total, own)
        passed = total - last[1]
        others = (busy - last[0]) - (own - last[2])
        return State(
            seconds=round(time.monotonic() - self._started, 3),
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            others_cpu=min(1.0, max(0.0, round(others / passed, 4))) if passed > 0 else None,
            cpu_mhz=cpu_mhz(self._root),
            gpu_mhz=jetson.gpu_mhz(self._root) or nvml.graphics_mhz(),
            temperatures={**thermal.temperatures(self._root), **nvml.temperatures()},
            throttling=[*thermal.throttling(self._root), *nvml.throttling()],
        )

    def _clocks(self) -> tuple[float, float, float]:
        """Seconds of all cores together: busy or stolen, all, and this process's and children's."""
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests' time is contained in the user's.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = self._own.cpu_times()
        spent = own.user + own.system + own.children_user + own.children_system
        return total - idle, total, spent
