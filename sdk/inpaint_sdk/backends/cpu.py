"""What this machine's processor is fast at."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")

_DOT_PRODUCTS = {"avx512_vnni", "avx_vnni", "asimddp"}
"""Linux's names of the instructions: VNNI of x86, dot products of Arm."""


def count_usable_cores() -> int:
    """Cores that this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def is_fast_in_int8() -> bool:
    """Whether the processor sums products of 8-bit numbers in one instruction.

    Others run int8 hardly faster than fp32.
    """
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    try:
        words = set(_CPUINFO.read_text().split())
    except OSError:
        return False
    return not _DOT_PRODUCTS.isdisjoint(words)
