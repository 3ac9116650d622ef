"""Everything about a machine that does not change while it is measured."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil

from inpaint_bench.machine.cpu import describe_cpu
from inpaint_bench.machine.jetson import describe_gpu, describe_jetson
from inpaint_bench.machine.libraries import revision, versions
from inpaint_bench.machine.nvml import describe_gpus
from inpaint_bench.schema.machine import Machine


def read_machine(root: Path = Path("/")) -> Machine:
    """The machine; what the kernel keeps in files is read under ``root``."""
    own = describe_gpu(root)
    return Machine(
        cpu=describe_cpu(root),
        gpus=describe_gpus() if own is None else [own],
        jetson=describe_jetson(root),
        memory_mb=round(psutil.virtual_memory().total / 1e6),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries=versions(),
        revision=revision(),
    )
