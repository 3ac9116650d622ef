"""Energy, where the machine has a meter that can be read.

A meter is read at two times; what lies between was used by the whole of what it measures, other
programs included.

| meter | of | read from |
| --- | --- | --- |
| Jetson's rails | the module | INA3221 and INA238 monitors under ``/sys/class/hwmon`` |
| NVML | a desktop GPU from Volta on | the driver's counter |
| RAPL | an x86 processor | ``/sys/class/powercap``, which root can read |

Rails of a Jetson, and their total:

| module | rails | their total |
| --- | --- | --- |
| Orin Nano, Orin NX | VDD_IN, VDD_CPU_GPU_CV, VDD_SOC | VDD_IN, which feeds the others |
| AGX Orin | VDD_GPU_SOC, VDD_CPU_CV, VIN_SYS_5V0, VDDQ_VDD2_1V8AO | the first three; the third feeds the last |
| Thor | VDD_GPU, VDD_CPU_SOC_MSS, VIN_SYS_5V0; VIN | VIN, an INA238, which feeds the others |
"""  # noqa: E501

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from inpaint_bench.schema.run import Energy
from inpaint_eval.machine import nvml
from inpaint_eval.machine.base import read_number, read_text

INPUT_RAILS = ("VIN", "VDD_IN")
"""Rails that everything else hangs on."""

RAILS_FED_BY_OTHERS = ("VDDQ_VDD2_1V8AO",)

Rails = dict[str, Callable[[], float]]


class NoMeterError(Exception):
    """There is nothing here that measures energy; the message says what was looked for."""


class Meter(Protocol):
    """Counts the energy between ``start`` and ``stop``. name: like ``RAPL package-0``."""

    name: str

    def start(self) -> None: ...

    def stop(self) -> float:
        """Joules since ``start``."""


def find_meter(root: Path, *, gpu: bool) -> Meter:
    """The meter that sees what runs: a Jetson's rails, or the GPU's, or the processor's.

    gpu: whether a GPU does the work.

    Raises:
        NoMeterError: there is none; the message says what was looked for.
    """
    meter: Meter | None = _find_rail_meter(root)
    if meter is None:
        meter = _find_gpu_meter() if gpu else _find_rapl_meter(root)
    if meter is None:
        looked = (
            "NVML gives no energy" if gpu else "no readable RAPL counter in /sys/class/powercap"
        )
        raise NoMeterError(f"no INA3221 or INA238 in /sys/class/hwmon, and {looked}")
    return meter


class RailMeter:
    """The sum of rails, whose power a thread reads and adds up by trapezoids.

    It takes processor time, so it does not run while calls are timed.
    """

    PERIOD = 0.02
    """Seconds between readings; an INA3221 on a Jetson averages over a few milliseconds."""

    def __init__(self, rails: Rails) -> None:
        self.name = "rails " + " + ".join(rails)
        self._rails = rails
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._times: list[float] = []
        self._watts: list[float] = []

    def start(self) -> None:
        self._times, self._watts = [], []
        self._end.clear()
        self._read()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        assert self._thread is not None
        self._end.set()
        self._thread.join()
        self._read()
        steps = np.diff(self._times)
        watts = np.asarray(self._watts)
        return float((steps * (watts[1:] + watts[:-1]) / 2).sum())

    def _follow(self) -> None:
        while not self._end.wait(self.PERIOD):
            self._read()

    def _read(self) -> None:
        watts = sum(read() for read in self._rails.values())
        self._times.append(time.perf_counter())
        self._watts.append(watts)


def find_rails(root: Path) -> Rails:
    """Every rail that is monitored, and how to read its watts; unconnected channels are none."""
    rails: Rails = {}
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        name = read_text(folder / "name")
        if name == "ina3221":
            rails |= _ina3221(folder)
        elif name == "ina238" and read_number(folder / "power1_input") is not None:
            label = read_text(folder / "in1_label") or "VIN"
            rails[label] = _watts(folder / "power1_input")
    return rails


def _find_rail_meter(root: Path) -> RailMeter | None:
    """A meter of the whole module; None where no rail is monitored."""
    rails = find_rails(root)
    for name in INPUT_RAILS:
        if name in rails:
            return RailMeter({name: rails[name]})
    rails = {name: read for name, read in rails.items() if name not in RAILS_FED_BY_OTHERS}
    return RailMeter(rails) if rails else None


def _ina3221(folder: Path) -> Rails:
    rails: Rails = {}
    for channel in (1, 2, 3):
        label = read_text(folder / f"in{channel}_label")
        volts, amperes = folder / f"in{channel}_input", folder / f"curr{channel}_input"
        if label not in (None, "", "NC") and read_number(volts) is not None:
            rails[str(label)] = _watts(volts, amperes)
    return rails


def _watts(*paths: Path) -> Callable[[], float]:
    """Reads microwatts, or millivolts and milliamperes, as watts."""
    return lambda: float(np.prod([_must_read(path) for path in paths])) / 1e6


def _must_read(path: Path) -> float:
    """A file's number, which was there before; a reading that fails once is an error."""
    value = read_number(path)
    if value is None:
        raise OSError(f"{path} cannot be read any more")
    return value


class GpuMeter:
    """The first GPU's counter, in steps of a millijoule, brought up to date every 20 to 100 ms."""

    name = "NVML GPU 0"

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._first = 0.0

    def joules(self) -> float:
        """The counter now."""
        return float(nvml.open_nvml().nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1e3

    def start(self) -> None:
        self._first = self.joules()

    def stop(self) -> float:
        return self.joules() - self._first


def _find_gpu_meter() -> GpuMeter | None:
    """None where there is no GPU, or none that counts (before Volta, and on a Jetson)."""
    for handle in nvml.handles():
        meter = GpuMeter(handle)
        return None if nvml.ask(meter.joules) is None else meter
    return None


class RaplMeter:
    """Counters of processor packages together. They wrap around one by one, after hours."""

    def __init__(self, folders: list[Path]) -> None:
        self.name = "RAPL " + " + ".join(read_text(f / "name") or f.name for f in folders)
        self._folders = folders
        self._starts: list[float] = []

    def start(self) -> None:
        self._starts = self._read()

    def stop(self) -> float:
        used = 0.0
        for folder, first, last in zip(self._folders, self._starts, self._read(), strict=True):
            wrap = (read_number(folder / "max_energy_range_uj") or 0.0) / 1e6
            used += last - first + (wrap if last < first else 0.0)
        return used

    def _read(self) -> list[float]:
        return [_must_read(folder / "energy_uj") / 1e6 for folder in self._folders]


def _find_rapl_meter(root: Path) -> RaplMeter | None:
    """A meter of all packages; None where their counters cannot be read."""
    folders = [
        folder
        for folder in sorted((root / "sys/class/powercap").glob("*-rapl:*"))
        if (read_text(folder / "name") or "").startswith("package")
        and read_number(folder / "energy_uj") is not None
    ]
    return RaplMeter(folders) if folders else None


class Gauge:
    """Measures the energy of a picture, and what the meter shows when nothing runs.

    gpu: whether a GPU does the work. seconds: of each measurement; 0 for none.
    """

    def __init__(self, *, gpu: bool, seconds: float, root: Path = Path("/")) -> None:
        self._seconds = seconds
        self._meter: Meter | None = None
        self._idle_watts = 0.0
        self._reason = "not asked for (--energy-seconds 0)"
        if seconds == 0:
            return
        try:
            self._meter = find_meter(root, gpu=gpu)
        except NoMeterError as error:
            self._reason = str(error)
            return
        started = time.perf_counter()
        self._meter.start()
        time.sleep(seconds)
        self._idle_watts = self._meter.stop() / (time.perf_counter() - started)

    def measure(self, call: Callable[[], object], batch: int) -> tuple[Energy | None, str | None]:
        """Runs calls for some seconds; the energy, or why there is none."""
        if self._meter is None:
            return None, self._reason
        call()
        calls = 0
        started = time.perf_counter()
        self._meter.start()
        while time.perf_counter() - started < self._seconds:
            call()
            calls += 1
        joules = self._meter.stop()
        seconds = time.perf_counter() - started
        energy = Energy(
            meter=self._meter.name,
            joules_per_picture=joules / (calls * batch),
            watts=joules / seconds,
            idle_watts=self._idle_watts,
            pictures=calls * batch,
            seconds=round(seconds, 3),
        )
        return energy, None
