"""The plugin by which QEMU counts instructions, on programs whose instructions are known."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "kernels" / "cpu" / "qemu_instructions.c"
COMPILER = "aarch64-linux-gnu-gcc"
SOURCE = """
int main(int count, char** words) {
  static float memory[8];
  for (int i = 0; i < count; ++i) {
    __asm__ volatile(
        ".rept %d\\n add x9, x9, #1\\n .endr\\n"
        ".rept %d\\n ldr x9, [%%0]\\n .endr\\n"
        ".rept %d\\n ld1 {v0.4s, v1.4s}, [%%0]\\n .endr\\n"
        ".rept %d\\n fadd v0.4s, v0.4s, v0.4s\\n .endr\\n"
        : : "r"(memory) : "x9", "v0", "v1", "memory");
  }
  return 0;
}
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("cc", COMPILER, "qemu-aarch64"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    path = tmp_path_factory.mktemp("plugin") / "libqemu_instructions.so"
    warnings = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *warnings, "-shared", "-fPIC", "-o", path, PLUGIN], check=True)
    return path


def count(plugin: Path, program: Path, *words: str) -> list[int]:
    output = program.with_suffix(".counts")
    command = ["qemu-aarch64", "-plugin", f"{plugin},output={output}", program, *words]
    subprocess.run(command, check=True)
    return [int(word) for word in output.read_text().split()]


def test_instructions_are_counted_by_kind(plugin: Path, tmp_path: Path) -> None:
    differences = []
    for kinds in ((0, 0, 0, 0), (500, 60, 30, 7)):
        source, program = tmp_path / "program.c", tmp_path / "program"
        source.write_text(SOURCE % kinds)
        subprocess.run([COMPILER, "-static", "-O1", "-o", program, source], check=True)
        few, many = count(plugin, program), count(plugin, program, *"123456789")
        differences.append([b - a for a, b in zip(few, many, strict=True)])
    # What a longer command line costs at the start is in both.
    found = [b - a for a, b in zip(*differences, strict=True)]
    assert found == [9 * 597, 9 * 90, 9 * 7]


def test_other_options_are_refused(plugin: Path) -> None:
    command = ["qemu-aarch64", "-plugin", f"{plugin},result=x", "/bin/true"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode != 0
    assert "give output=FILE" in run.stderr
