"""Counts what the recurrent scan takes of an aarch64 processor's instructions, under emulation.

    .venv/bin/python benchmarks/repeat/scan_instructions.py -o benchmarks/results/NAME.json

Needs qemu-user, g++-aarch64-linux-gnu and gcc. The kernels are compiled by GCC, as on the device
itself, and by Zig's Clang, as in the wheels. A count is the difference of two runs, one with more
calls than the other, so that it is of the calls alone. Instructions are not time.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import click

from inpaint_bench.schema import write_result
from inpaint_bench.schema.results import SdkResult, SdkRow

ROOT = Path(__file__).parents[2]
CPU = ROOT / "kernels" / "cpu"
WORK = ROOT / "build" / "instructions"
SYSROOT = "/usr/aarch64-linux-gnu"
GCC = "aarch64-linux-gnu-g++"
NEEDED = {"qemu-aarch64": "qemu-user", GCC: "g++-aarch64-linux-gnu", "cc": "gcc"}
"""Debian's packages, by program."""

PASSES = ("forward", "columns", "rows", "streamed", "backward")
DTYPES = ("fp32", "fp16", "bf16")
CODES = ("loop", "portable", "neon")
WITHOUT_LOOP = {"streamed", "backward"}
SIZES = ((128, 128), (125, 131))
CALLS = (1, 3)
BAR = "neon takes fewer instructions than portable in every pass and type"


def compilers() -> dict[str, tuple[str, str]]:
    """Command and version, by result's name."""
    zig = WORK / "zig-c++"
    options = "-m ziglang c++ -target aarch64-linux-gnu.2.17"
    zig.write_text(f'#!/bin/sh\nexec "{sys.executable}" {options} "$@"\n')
    zig.chmod(0o755)
    return {"gcc": (GCC, version_of(GCC)), "wheel": (str(zig), version_of(str(zig)))}


def version_of(program: str) -> str:
    command = [program, "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]


def build(compiler: str, folder: Path) -> Path:
    """``scan_calls`` for aarch64."""
    cmake = [sys.executable, "-m", "cmake"]
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "aarch64",
        "CMAKE_CXX_COMPILER": compiler,
        "INPAINT_TESTS": "ON",
        "INPAINT_CUDA": "OFF",
        "INPAINT_ORT": "OFF",
    }
    options = [f"-D{name}={value}" for name, value in settings.items()]
    for command in (
        [*cmake, "-S", str(ROOT), "-B", str(folder), *options],
        [*cmake, "--build", str(folder), "--target", "scan_calls"],
    ):
        subprocess.run(command, check=True, stdout=sys.stderr)
    return folder / "scan_calls"


def build_plugin(folder: Path) -> Path:
    """The plugin that counts, for the emulator."""
    plugin = folder / "libqemu_instructions.so"
    source = CPU / "qemu_instructions.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", plugin, source], check=True)
    return plugin


def count(plugin: Path, program: Path, *words: str) -> list[int]:
    """Instructions of a run: all, those of memory, those of floating point and SIMD."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "counts")
        emulator = ["qemu-aarch64", "-L", SYSROOT, "-plugin", f"{plugin},output={output}"]
        subprocess.run([*emulator, program, *words], check=True)
        return [int(word) for word in output.read_text().split()]


def per_element(plugin: Path, program: Path, what: tuple[str, ...], size: tuple[int, int]) -> Any:
    """Instructions of one call by elements of x, by kind."""
    few, many = (count(plugin, program, *what, *map(str, size), str(calls)) for calls in CALLS)
    elements = (CALLS[1] - CALLS[0]) * size[0] * size[1]
    found = ((b - a) / elements for a, b in zip(few, many, strict=True))
    return dict(zip(("all", "memory", "simd"), (round(value, 3) for value in found), strict=True))


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--remarks", default="", help="What else there is to know.")
def main(output: Path, remarks: str) -> None:
    missing = [package for tool, package in NEEDED.items() if shutil.which(tool) is None]
    if missing:
        raise click.ClickException(f"first: apt-get install {' '.join(missing)}")
    WORK.mkdir(parents=True, exist_ok=True)
    result = SdkResult.begin(remarks, kind="sdk", rows={})
    plugin = build_plugin(WORK)
    rows = {}
    for name, (compiler, version) in compilers().items():
        program = build(compiler, WORK / name)
        counts = [
            {"size": size, "pass": of, "dtype": dtype, "code": code}
            | {"instructions": per_element(plugin, program, (of, code, dtype), size)}
            for size, of, dtype, code in product(SIZES, PASSES, DTYPES, CODES)
            if not (code == "loop" and of in WITHOUT_LOOP)
        ]
        figures = {
            "compiler": version,
            "emulator": version_of("qemu-aarch64"),
            "counts": counts,
        }
        rows[f"instructions-{name}"] = SdkRow(bar=BAR, figures=figures)
    write_result(result.with_more(rows=rows), output)


if __name__ == "__main__":
    main()
