"""The state of the machine while something is measured: clocks, heat, load."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from inpaint_bench.schema.common import State
from inpaint_eval.machine import jetson, nvml
from inpaint_eval.machine.base import read_number, read_text


class StateReader:
    """Reads states; each says what other programs took since the one before.

    root: folder that the kernel's files are read under.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._started = time.monotonic()
        self._own = psutil.Process()
        self._last = self._cpu_seconds()

    def read(self) -> State:
        """The state now. Takes some milliseconds, so it is not for between two timed calls."""
        (busy, total, own), last = self._cpu_seconds(), self._last
        self._last = (busy, total, own)
        passed = total - last[1]
        others = (busy - last[0]) - (own - last[2])
        return State(
            seconds=round(time.monotonic() - self._started, 3),
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            others_cpu=min(1.0, max(0.0, round(others / passed, 4))) if passed > 0 else None,
            cpu_mhz=cpu_mhz(self._root),
            gpu_mhz=jetson.gpu_mhz(self._root) or nvml.graphics_mhz(),
            temperatures={**temperatures(self._root), **nvml.temperatures()},
            throttling=[*throttling(self._root), *nvml.throttling()],
        )

    def _cpu_seconds(self) -> tuple[float, float, float]:
        """Of all cores together: busy or stolen, all, and this process's and its children's."""
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests' time is contained in the user's.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = self._own.cpu_times()
        spent = own.user + own.system + own.children_user + own.children_system
        return total - idle, total, spent


def cpu_mhz(root: Path) -> float | None:
    """The fastest core's clock, from cpufreq or /proc/cpuinfo; None where neither tells."""
    paths = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
    clocks = [clock / 1e3 for path in paths if (clock := read_number(path)) is not None]
    if not clocks:
        lines = (read_text(root / "proc/cpuinfo") or "").splitlines()
        clocks = [float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")]
    return max(clocks, default=None)


def temperatures(root: Path) -> dict[str, float]:
    """Degrees Celsius by thermal zone; a zone that is off is left out."""
    found = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        value = read_number(zone / "temp")
        if value is not None and value > -100e3:  # a powered-down sensor reads -256 degrees
            found[read_text(zone / "type") or zone.name] = value / 1e3
    return found


def throttling(root: Path) -> list[str]:
    """What the kernel holds down now, and how often a Jetson ran into a limit of its supply."""
    found = []
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        kind = read_text(device / "type") or device.name
        state = read_number(device / "cur_state")
        if state and "fan" not in kind:  # a fan slows nothing down
            found.append(f"{kind}: {state:g} of {read_number(device / 'max_state') or 0:g}")
    for counter in sorted((root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt")):
        events = read_number(counter)
        if events and read_text(counter.with_name("name")) == "soctherm_oc":
            limit = counter.name.split("_")[0]
            found.append(f"over-current limit {limit}: {events:g} events")
    return found
