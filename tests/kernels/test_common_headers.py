"""The arithmetic that CPU and GPU share, and the CUDA kernels run on the CPU.

The kernels are compiled as C++ against a small emulation of CUDA (``cpp/cuda_emulation``), and put
through the test program that also runs on a GPU, under several orders of threads and moments at
which asynchronous copies land. What it cannot show is what only a device has: memory ordering
between warps, and speed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CPP = Path(__file__).parent / "cpp"
CUDA = Path(__file__).parents[2] / "kernels" / "cuda"


def run(program: Path, *arguments: str, **environment: str) -> None:
    result = subprocess.run(
        [str(program), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


def test_arithmetic(tmp_path: Path, compile_cpp: Callable[..., None]) -> None:
    program = tmp_path / "common_scan"
    compile_cpp([CPP / "common_scan.cpp"], program, "-O1")
    run(program)


@pytest.fixture(scope="module")
def scan_program(
    emulation_flags: list[str], compile_cpp: Callable[..., None]
) -> Callable[[Path], Path]:
    """A function that links the test program with the objects beside a library."""

    def build(library: Path) -> Path:
        program = library.parent / "test_scan"
        objects = sorted(library.parent.glob("libinpaint_scan_cuda_*.o"))
        compile_cpp([CUDA / "test_scan.cu", *objects], program, *emulation_flags)
        return program

    return build


@pytest.fixture(scope="module")
def emulated_scan(emulated_cuda: Path, scan_program: Callable[[Path], Path]) -> Path:
    return scan_program(emulated_cuda)


@pytest.mark.parametrize(
    ("order", "copies"),
    [("forward", "late"), ("backward", "late"), ("shuffled", "early")],
    ids=["forward-late", "backward-late", "shuffled-early"],
)
def test_kernels_emulated(emulated_scan: Path, order: str, copies: str) -> None:
    run(emulated_scan, "--tiny", CUDA_EMULATION_ORDER=order, CUDA_EMULATION_COPIES=copies)


def test_contracted_kernels_emulated(
    contracted_cuda: Path, scan_program: Callable[[Path], Path]
) -> None:
    """As on a device, where w*h + c is rounded once: beside an infinity more than a rounding."""
    run(scan_program(contracted_cuda), "--tiny")
