"""A Jetson's power rails: INA3221 and INA238 monitors under ``/sys/class/hwmon``.

| module | rails | their total |
| --- | --- | --- |
| Orin Nano, Orin NX | VDD_IN, VDD_CPU_GPU_CV, VDD_SOC | VDD_IN, which feeds the others |
| AGX Orin | VDD_GPU_SOC, VDD_CPU_CV, VIN_SYS_5V0, VDDQ_VDD2_1V8AO | the first three; the third feeds the last |
| Thor | VDD_GPU, VDD_CPU_SOC_MSS, VIN_SYS_5V0; VIN | VIN, an INA238, which feeds the others |
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from inpaint_bench.machine.energy.base import PowerMeter
from inpaint_bench.machine.files import read_number, read_text

INPUTS = ("VIN", "VDD_IN")
"""Rails that everything else hangs on."""

FED_BY_OTHERS = ("VDDQ_VDD2_1V8AO",)

Rails = dict[str, Callable[[], float]]


def find_rails(root: Path) -> Rails:
    """Every rail that is monitored, and how to read its watts; unconnected channels are none."""
    rails: Rails = {}
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        name = read_text(folder / "name")
        if name == "ina3221":
            rails |= _ina3221(folder)
        elif name == "ina238" and read_number(folder / "power1_input") is not None:
            label = read_text(folder / "in1_label") or "VIN"
            rails[label] = partial(_microwatts, folder / "power1_input")
    return rails


class RailMeter(PowerMeter):
    """The sum of rails."""

    def __init__(self, rails: Rails) -> None:
        super().__init__("rails " + " + ".join(rails))
        self._rails = rails

    def watts(self) -> float:
        return sum(read() for read in self._rails.values())


def find_rail_meter(root: Path) -> RailMeter | None:
    """A meter of the whole module; None where no rail is monitored."""
    rails = find_rails(root)
    for name in INPUTS:
        if name in rails:
            return RailMeter({name: rails[name]})
    rails = {name: read for name, read in rails.items() if name not in FED_BY_OTHERS}
    return RailMeter(rails) if rails else None


def _ina3221(folder: Path) -> Rails:
    rails: Rails = {}
    for channel in (1, 2, 3):
        label = read_text(folder / f"in{channel}_label")
        volts, amperes = folder / f"in{channel}_input", folder / f"curr{channel}_input"
        if label in (None, "", "NC") or read_number(volts) is None:
            continue
        rails[str(label)] = partial(_millivolts_milliamperes, volts, amperes)
    return rails


def _microwatts(path: Path) -> float:
    return _number(path) / 1e6


def _millivolts_milliamperes(volts: Path, amperes: Path) -> float:
    return _number(volts) * _number(amperes) / 1e6


def _number(path: Path) -> float:
    """A file's number, which was there before; a reading that fails once is an error."""
    value = read_number(path)
    if value is None:
        raise OSError(f"{path} cannot be read any more")
    return value
