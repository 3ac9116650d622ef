"""The machine that a result was measured on, and what state it was in."""

from __future__ import annotations

from inpaint_bench.schema.base import Part


class Cpu(Part):
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


class Gpu(Part):
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


class Jetson(Part):
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


class Machine(Part):
    """memory_mb: 10^6 bytes. libraries: versions, None for what is not installed."""

    cpu: Cpu
    gpus: list[Gpu]
    jetson: Jetson | None
    memory_mb: float
    system: str
    python: str
    libraries: dict[str, str | None]
    revision: str | None
    """Of the source tree that the harness runs from; ``+`` at its end: with changes."""

    def differences(self, other: Machine) -> list[str]:
        """Fields that keep figures of the two from belonging to one result."""
        names = ("cpu", "gpus", "jetson", "libraries", "python", "revision")
        return [name for name in names if getattr(self, name) != getattr(other, name)]


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
