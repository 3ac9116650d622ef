"""Memory of this process."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from inpaint_eval.machine.memory import memory_rise_mb
kept = []
print(memory_rise_mb(lambda: kept.append(bytearray(b"x") * 50_000_000)))
"""


def test_memory_rises_by_what_is_touched() -> None:
    """In a small process: of a large one the system may take back idle memory meanwhile."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    if run.stdout.strip() == "None":
        pytest.skip("this system does not tell how much memory a process took at most")
    assert 45 < float(run.stdout) < 80
