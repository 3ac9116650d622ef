"""The processor."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from inpaint_bench.machine.files import read_number, read_text
from inpaint_bench.schema.machine import Cpu

INSTRUCTION_SETS = frozenset(
    {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "asimddp", "i8mm", "sve"}
)
"""Those that decide how fast a network runs."""


def describe_cpu(root: Path) -> Cpu:
    """The processor of this machine, with the clocks' limits read under ``root``."""
    import cpuinfo

    found = cpuinfo.get_cpu_info()
    limits = _limits(root)
    return Cpu(
        name=found.get("brand_raw") or platform.processor() or "unknown",
        architecture=platform.machine(),
        cores=usable_cores(),
        instruction_sets=sorted(set(found.get("flags", ())) & INSTRUCTION_SETS),
        governor=read_text(_first_policy(root) / "scaling_governor"),
        mhz_min=limits[0],
        mhz_max=limits[1],
        clocks_locked=None if None in limits else limits[0] == limits[1],
    )


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_mhz(root: Path) -> float | None:
    """The fastest core's clock, from cpufreq or /proc/cpuinfo; None where neither tells."""
    clocks = [
        clock
        for path in (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
        if (clock := read_number(path)) is not None
    ]
    if clocks:
        return max(clocks) / 1e3
    lines = (read_text(root / "proc/cpuinfo") or "").splitlines()
    found = [float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")]
    return max(found, default=None)


def _first_policy(root: Path) -> Path:
    return root / "sys/devices/system/cpu/cpu0/cpufreq"


def _limits(root: Path) -> tuple[float | None, float | None]:
    low = read_number(_first_policy(root) / "scaling_min_freq")
    high = read_number(_first_policy(root) / "scaling_max_freq")
    return (None if low is None else low / 1e3), (None if high is None else high / 1e3)
