"""Descriptions of a machine, and the small files of /proc and /sys that they are read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inpaint_eval.record import Record


@dataclass(frozen=True)
class Cpu(Record):
    """A processor.

    name: as it calls itself. architecture: like ``x86_64``. cores: that this process may use.
    governor: of its clock, None where the system does not tell, as in most virtual machines.
    mhz_min, mhz_max: limits that are set; ``clocks_locked`` where they are one.
    """

    name: str
    architecture: str
    cores: int
    instruction_sets: list[str]
    governor: str | None
    mhz_min: float | None
    mhz_max: float | None
    clocks_locked: bool | None


@dataclass(frozen=True)
class Gpu(Record):
    """An NVIDIA GPU, as its driver describes it; None is what it does not tell.

    memory_mb: 10^6 bytes. power_limit_w: watts. clocks_locked: whether the application clocks are
    fixed; on a Jetson whether the limits of the GPU's clock are one.
    """

    name: str
    compute_capability: str | None
    driver: str | None
    memory_mb: float | None
    power_limit_w: float | None
    graphics_mhz_max: float | None
    clocks_locked: bool | None


@dataclass(frozen=True)
class Jetson(Record):
    """A Jetson module.

    module: like ``Jetson Orin Nano 8GB``. part: its number, like ``p3767-0005``. l4t: version of
    Jetson Linux. power_mode: its name, as nvpmodel gives it.
    """

    module: str
    part: str | None
    l4t: str | None
    jetpack: str | None
    power_mode: str | None
    power_mode_id: int | None


@dataclass(frozen=True)
class Machine(Record):
    """memory_mb: 10^6 bytes. libraries: versions, None for what is not installed.

    revision: commit of the source tree that the measuring program runs from, None outside git.
    dirty: whether that tree was changed since; result files do not count. None outside git.
    """

    cpu: Cpu
    gpus: list[Gpu]
    jetson: Jetson | None
    memory_mb: float
    system: str
    python: str
    libraries: dict[str, str | None]
    revision: str | None
    dirty: bool | None

    def differences(self, other: Machine) -> list[str]:
        """Fields that keep figures of the two from belonging to one result."""
        names = ("cpu", "gpus", "jetson", "libraries", "python", "revision", "dirty")
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def read_text(path: Path) -> str | None:
    """A file's text without white space and NUL bytes around it; None where it cannot be read."""
    try:
        return path.read_bytes().decode(errors="replace").strip("\0 \t\r\n")
    except OSError:
        return None


def read_number(path: Path) -> float | None:
    """A file's number; None where there is none."""
    text = read_text(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
