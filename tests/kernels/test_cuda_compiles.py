"""What needs nvcc builds, without warnings, and its kernels fit the registers.

Two architectures; ``kernels/cuda/check_registers.sh`` does all of them.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def test_kernels_fit_the_registers(cuda_build) -> None:
    """A kernel that spills is several times slower than it should be."""
    spills = re.findall(r"(\d+) bytes spill stores", cuda_build.log)
    assert len(spills) > 50, "ptxas reported too few kernels"
    assert set(spills) == {"0"}, cuda_build.log


def test_build_says_what_it_builds(cuda_build) -> None:
    assert "inpaint: CUDA kernels: yes" in cuda_build.log
    assert "custom-op library: with the CUDA execution provider" in cuda_build.log
    plugin = "yes, headers in" if cuda_build.has_plugin else "left out, no headers"
    assert f"inpaint: TensorRT plugin: {plugin}" in cuda_build.log


def test_programs_are_built(cuda_build) -> None:
    for program in ("test_scan", "bench_scan"):
        assert (cuda_build.folder / "kernels" / "cuda" / program).is_file()


def exported(library: Path) -> set[str]:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", "-C", str(library)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split(maxsplit=2)[2] for line in listing.stdout.splitlines()}


def test_libraries_export_their_interface_alone(cuda_build) -> None:
    names = exported(cuda_build.folder / "kernels" / "cuda" / "libinpaint_scan_cuda.so")
    calls = ("forward", "workspace", "backward", "status_text", "last_error")
    assert names == {f"inpaint_scan_cuda_{call}" for call in calls}
    assert not {n for n in exported(cuda_build.folder / "libinpaint_ort.so") if "cuda" in n}
