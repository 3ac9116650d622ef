"""Running ``inpaint-bench`` in tests."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

from inpaint_bench.schema.sdk import SdkRow

QUICK = ["--blocks", "4", "--turn-seconds", "0.01", "--warmup-seconds", "0.3"]
QUICK += ["--energy-seconds", "0", "--candidate-seconds", "2", "--threads", "1"]
"""Options of a run that takes seconds."""

Bench = Callable[..., Result]


def failing_row() -> SdkRow:
    """A row that fails; here, since another process imports it by the name of its module."""
    raise RuntimeError("on purpose")
