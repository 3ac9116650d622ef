"""Programs of these tests in processes of their own, which may crash, hang or be killed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1]


def environment(**changes: str) -> dict[str, str]:
    """In which ``hardening`` and ``support`` can be imported."""
    return {**os.environ, "PYTHONPATH": str(TESTS), **changes}


def run_alone(command: Sequence[str], timeout: float = 600.0, **changes: str) -> str:
    """What a program printed; an ``AssertionError`` has the rest unless it ended well.

    changes: of its environment.
    """
    run = subprocess.run(
        command, capture_output=True, text=True, env=environment(**changes), timeout=timeout
    )
    assert run.returncode == 0, f"{run.returncode}: {run.stdout[-2000:]}{run.stderr[-4000:]}"
    return run.stdout
