"""What the build says of the CMake that it needs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLDER = ROOT / "build" / "older"
"""Where ``packaging/older.sh`` installs a CMake of 3.22, as Ubuntu 22.04 and JetPack 6 have it."""


def demanded(file: Path) -> str:
    (version,) = re.findall(r"cmake_minimum_required\(VERSION ([\d.]+)\)", file.read_text())
    return str(version)


def test_every_part_demands_the_same_version() -> None:
    """Else an older one is taken for the whole, and fails in a part."""
    folders = (ROOT, ROOT / "kernels" / "cuda", ROOT / "kernels" / "tensorrt")
    assert len({demanded(folder / "CMakeLists.txt") for folder in folders}) == 1


def test_an_older_one_is_told_what_is_wanted(tmp_path: Path) -> None:
    old = next(OLDER.glob("cmake==3.22.*/cmake/data/bin/cmake"), None)
    if old is None:
        pytest.skip(f"there is no CMake of 3.22 in {OLDER}: packaging/older.sh {OLDER}")
    command = [old, "-S", str(ROOT), "-B", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert re.search(
        r"CMake 3\.24 or higher is required\.\s+You are running version 3\.22", result.stderr
    )
