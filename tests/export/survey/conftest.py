"""What the tests of all tables have in common."""

from __future__ import annotations

from functools import partial

import pytest

from inpaint_eval.timing import time_in_turns
from inpaint_export.survey import base


@pytest.fixture(autouse=True)
def quick_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few calls of each method: that times are taken is tested, and not how well."""
    quick = partial(time_in_turns, turn_seconds=1e-3, candidate_seconds=0.1, warmup_seconds=0.0)
    monkeypatch.setattr(base, "time_in_turns", quick)
    monkeypatch.setattr(base, "BLOCKS", 3)
