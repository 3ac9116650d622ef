"""The state of the machine while something is measured: clocks, heat, load."""

from __future__ import annotations

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
        self._started = self._before = time.monotonic()
        self._process = psutil.Process()
        self._spent = sum(self._process.cpu_times()[:4])  # of children that have ended, too
        psutil.cpu_percent()  # the next one is of the time from here on

    def read(self) -> State:
        """The state now. Takes some milliseconds, so it is not for between two timed calls."""
        now, spent = time.monotonic(), sum(self._process.cpu_times()[:4])
        cores = (now - self._before) * (psutil.cpu_count() or 1)
        others = psutil.cpu_percent() / 100 - (spent - self._spent) / cores
        self._before, self._spent = now, spent
        return State(
            seconds=round(now - self._started, 3),
            load_average=psutil.getloadavg()[0],
            others_cpu=min(1.0, max(0.0, round(others, 4))),
            cpu_mhz=cpu_mhz(self._root),
            gpu_mhz=jetson.gpu_mhz(self._root) or nvml.graphics_mhz(),
            temperatures={**temperatures(self._root), **nvml.temperatures()},
            throttling=[*throttling(self._root), *nvml.throttling()],
        )


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
