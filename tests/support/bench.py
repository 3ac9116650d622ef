"""Running ``inpaint-bench`` in tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import Result

from inpaint_bench.schema.results import SdkRow

QUICK = ["--blocks", "4", "--turn-seconds", "0.01", "--warmup-seconds", "0.3"]
QUICK += ["--energy-seconds", "0", "--candidate-seconds", "2", "--threads", "1"]
"""Options of a run that takes seconds."""

Bench = Callable[..., Result]


@dataclass(frozen=True)
class Measured:
    """``run.json``, ``quality.json`` and ``gallery`` in a folder; what the commands printed."""

    folder: Path
    printed: dict[str, str]


def failing_row() -> SdkRow:
    """A row that fails; here, since another process imports it by the name of its module."""
    raise RuntimeError("on purpose")
