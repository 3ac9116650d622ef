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

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_bench.schema.results import Energy
from inpaint_eval.machine import nvml
from inpaint_eval.machine.base import read_number, read_text

INPUT_RAILS = ("VIN", "VDD_IN")
"""Rails that everything else hangs on."""

RAILS_FED_BY_OTHERS = ("VDDQ_VDD2_1V8AO",)

PERIOD = 0.02
"""Seconds between readings of rails; an INA3221 on a Jetson averages over a few milliseconds."""

Read = Callable[[], float]
Work = Callable[[], object]


@dataclass(frozen=True)
class Meter:
    """name: like ``RAPL package-0``. joules: does work, and says what was used meanwhile."""

    name: str
    joules: Callable[[Work], float]


def add_up_power(rails: Sequence[Read], work: Work) -> float:
    """Joules of rails: a thread reads their watts, and trapezoids are added up.

    It takes processor time, so it does not run while calls are timed.
    """
    readings: list[tuple[float, float]] = []
    end = threading.Event()

    def read() -> None:
        readings.append((sum(rail() for rail in rails), time.perf_counter()))

    def follow() -> None:
        while not end.wait(PERIOD):
            read()

    read()
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        work()
    finally:
        end.set()
        thread.join()
    read()
    watts, times = np.transpose(readings)
    return float((np.diff(times) * (watts[1:] + watts[:-1]) / 2).sum())


def count_energy(counters: Sequence[tuple[Read, float]], work: Work) -> float:
    """Joules of counters; beside each is where it starts again from 0, as processors' do."""
    starts = [read() for read, _ in counters]
    work()
    used = [read() - start for (read, _), start in zip(counters, starts, strict=True)]
    return sum(n + wrap * (n < 0) for n, (_, wrap) in zip(used, counters, strict=True))


def find_rails(root: Path) -> dict[str, Read]:
    """Every rail that is monitored, and how to read its watts; unconnected channels are none."""
    rails: dict[str, Read] = {}
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        name, power = read_text(folder / "name"), folder / "power1_input"
        if name == "ina238" and read_number(power) is not None:
            rails[read_text(folder / "in1_label") or "VIN"] = _millionths(power)
        for channel in (1, 2, 3) if name == "ina3221" else ():
            label = read_text(folder / f"in{channel}_label")
            volts, amperes = folder / f"in{channel}_input", folder / f"curr{channel}_input"
            if label not in (None, "", "NC") and read_number(volts) is not None:
                rails[str(label)] = _millionths(volts, amperes)
    return rails


def _find_rail_meter(root: Path) -> Meter | None:
    """A meter of the whole module; None where no rail is monitored."""
    rails = find_rails(root)
    inputs = [name for name in INPUT_RAILS if name in rails][:1]
    summed = inputs or [name for name in rails if name not in RAILS_FED_BY_OTHERS]
    if not summed:
        return None
    return Meter("rails " + " + ".join(summed), partial(add_up_power, [rails[n] for n in summed]))


def _millionths(*paths: Path) -> Read:
    """Reads the product of files' numbers over a million.

    Of microwatts, or of millivolts and milliamperes, that is watts; of microjoules joules.
    """

    def read() -> float:
        numbers = [number for path in paths if (number := read_number(path)) is not None]
        if len(numbers) < len(paths):  # they were there before
            raise OSError(f"{paths[0].parent} cannot be read any more")
        return math.prod(numbers) / 1e6

    return read


def _find_gpu_meter() -> Meter | None:
    """The first GPU's, in steps of a millijoule, brought up to date every 20 to 100 ms.

    None where there is no GPU, or none that counts (before Volta, and on a Jetson).
    """
    handles = nvml.handles()
    if not handles:
        return None
    count: Callable[[Any], int] = nvml.open_nvml().nvmlDeviceGetTotalEnergyConsumption
    if nvml.ask(count, handles[0]) is None:
        return None
    counters = [(lambda: count(handles[0]) / 1e3, 0.0)]
    return Meter("NVML GPU 0", partial(count_energy, counters))


def _find_rapl_meter(root: Path) -> Meter | None:
    """All processor packages together; None where their counters cannot be read."""
    names, counters = [], []
    for folder in sorted((root / "sys/class/powercap").glob("*-rapl:*")):
        name, counter = read_text(folder / "name") or "", folder / "energy_uj"
        if name.startswith("package") and read_number(counter) is not None:
            wrap = (read_number(folder / "max_energy_range_uj") or 0.0) / 1e6
            names.append(name)
            counters.append((_millionths(counter), wrap))
    if not counters:
        return None
    return Meter("RAPL " + " + ".join(names), partial(count_energy, counters))


def find_meter(root: Path, *, gpu: bool) -> Meter | None:
    """The meter that sees what runs: a Jetson's rails, or the GPU's, or the processor's.

    gpu: whether a GPU does the work.
    """
    return _find_rail_meter(root) or (_find_gpu_meter() if gpu else _find_rapl_meter(root))


class Gauge:
    """Measures the energy of a picture, and what the meter shows when nothing runs.

    gpu: whether a GPU does the work. seconds: of each measurement; 0 for none.
    """

    def __init__(self, *, gpu: bool, seconds: float, root: Path = Path("/")) -> None:
        self._seconds = seconds
        self._meter = find_meter(root, gpu=gpu) if seconds else None
        looked = "NVML gives no energy" if gpu else "no readable RAPL in /sys/class/powercap"
        self._reason = f"no INA3221 or INA238 in /sys/class/hwmon, and {looked}"
        if not seconds:
            self._reason = "not asked for (--energy-seconds 0)"
        if self._meter is not None:
            joules, spent, _ = self._spend(self._meter, lambda: time.sleep(seconds))
            self._idle_watts = joules / spent

    def measure(self, call: Work, batch: int) -> tuple[Energy | None, str | None]:
        """Runs calls for some seconds; the energy, or why there is none."""
        if self._meter is None:
            return None, self._reason
        try:
            call()
            joules, seconds, calls = self._spend(self._meter, call)
        except Exception as error:  # runtimes raise anything
            return None, f"the measurement failed: {type(error).__name__}: {error}"
        energy = Energy(
            meter=self._meter.name,
            joules_per_picture=joules / (calls * batch),
            watts=joules / seconds,
            idle_watts=self._idle_watts,
            pictures=calls * batch,
            seconds=round(seconds, 3),
        )
        return energy, None

    def _spend(self, meter: Meter, call: Work) -> tuple[float, float, int]:
        """Joules, seconds, and how many calls there were."""
        calls, started = 0, time.perf_counter()

        def work() -> None:
            nonlocal calls
            while time.perf_counter() - started < self._seconds:
                call()
                calls += 1

        return meter.joules(work), time.perf_counter() - started, calls
