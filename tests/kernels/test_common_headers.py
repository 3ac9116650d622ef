"""The arithmetic that CPU and GPU share, and the CUDA kernels run on the CPU.

The kernels are compiled as C++ against a small emulation of CUDA (``cpp/cuda_emulation``), and put
through the test program that also runs on a GPU, under several orders of threads and moments at
which asynchronous copies land. What it cannot show is what only a device has: memory ordering
between warps, and speed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CPP = Path(__file__).parent / "cpp"
CUDA = ROOT / "kernels" / "cuda"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]

compiler = shutil.which("g++") or shutil.which("clang++")
pytestmark = pytest.mark.skipif(compiler is None, reason="no C++ compiler on the PATH")


def compile_and_link(sources: list[Path], program: Path, *flags: str) -> None:
    """One compiler run a file, one after the other: two cores are all that CI has."""
    objects = []
    for source in sources:
        object_file = program.parent / (source.stem + ".o")
        command = [str(compiler), "-std=c++17", *flags, "-x", "c++", "-c", str(source)]
        subprocess.run([*command, "-o", str(object_file)], check=True)
        objects.append(str(object_file))
    subprocess.run([str(compiler), *objects, "-o", str(program)], check=True)


def run(program: Path, *arguments: str, **environment: str) -> None:
    result = subprocess.run(
        [str(program), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


def test_arithmetic(tmp_path: Path) -> None:
    program = tmp_path / "common_scan"
    compile_and_link([CPP / "common_scan.cpp"], program, "-O1", *WARNINGS)
    run(program)


@pytest.fixture(scope="module")
def emulated_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("emulated") / "test_scan"
    names = ["scan_fp32.cu", "scan_fp16.cu", "scan_bf16.cu", "inpaint_scan_cuda.cpp"]
    compile_and_link(
        [CUDA / name for name in [*names, "test_scan.cu"]],
        program,
        "-O1",
        "-fno-strict-aliasing",  # the emulation reads 16-byte vectors where floats were written
        "-I",
        str(CPP / "cuda_emulation"),
        "-include",
        "cuda_runtime.h",
        *WARNINGS,
    )
    return program


@pytest.mark.parametrize(
    ("order", "copies"),
    [("forward", "late"), ("backward", "late"), ("shuffled", "early")],
    ids=["forward-late", "backward-late", "shuffled-early"],
)
def test_kernels_emulated(emulated_scan: Path, order: str, copies: str) -> None:
    run(emulated_scan, "--tiny", CUDA_EMULATION_ORDER=order, CUDA_EMULATION_COPIES=copies)
