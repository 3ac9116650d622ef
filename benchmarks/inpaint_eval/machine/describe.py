"""Everything about a machine that does not change while it is measured."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from inpaint_eval.machine.base import Cpu, Machine, read_number, read_text
from inpaint_eval.machine.jetson import describe_gpu, describe_jetson
from inpaint_eval.machine.nvml import describe_gpus

INSTRUCTION_SETS = frozenset(
    {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "asimddp", "i8mm", "sve"}
)
"""Those that decide how fast a network runs."""

LIBRARIES = (
    "inpaint-sdk",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python",
    "opencv-python-headless",
    "scikit-image",
    "tensorrt",
    "tensorrt-rtx-cu13-bindings",
    "torch",
)
"""Those whose versions decide a speed."""


def read_machine(root: Path = Path("/")) -> Machine:
    """The machine; what the kernel keeps in files is read under ``root``.

    Raises:
        ImportError: psutil, py-cpuinfo or nvidia-ml-py is not installed.
    """
    import psutil

    own_gpu = describe_gpu(root)
    revision, dirty = read_revision()
    return Machine(
        cpu=_describe_cpu(root),
        gpus=describe_gpus() if own_gpu is None else [own_gpu],
        jetson=describe_jetson(root),
        memory_mb=round(psutil.virtual_memory().total / 1e6),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries={name: _version(name) for name in LIBRARIES},
        revision=revision,
        dirty=dirty,
    )


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_revision() -> tuple[str | None, bool | None]:
    """Commit of the tree that this file is in, and whether the tree was changed since.

    Result files do not count as a change. Both are None where git does not know this file, as in an
    environment that lies within some other checkout.
    """
    commit = git("rev-parse", "--short=12", "HEAD")
    if commit is None or git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None, None
    return commit, bool(git("status", "--porcelain", "--", ":/", ":!/benchmarks/results"))


def git(*arguments: str) -> str | None:
    """What git says of the tree that this file is in; None where it fails."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _describe_cpu(root: Path) -> Cpu:
    import cpuinfo

    found = cpuinfo.get_cpu_info()
    policy = root / "sys/devices/system/cpu/cpu0/cpufreq"
    kilohertz = [read_number(policy / f"scaling_{name}_freq") for name in ("min", "max")]
    low, high = (None if value is None else value / 1e3 for value in kilohertz)
    return Cpu(
        name=found.get("brand_raw") or platform.processor() or "unknown",
        architecture=platform.machine(),
        cores=usable_cores(),
        instruction_sets=sorted(set(found.get("flags", ())) & INSTRUCTION_SETS),
        governor=read_text(policy / "scaling_governor"),
        mhz_min=low,
        mhz_max=high,
        clocks_locked=None if low is None or high is None else low == high,
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
