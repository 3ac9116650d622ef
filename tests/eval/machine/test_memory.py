"""Memory of this process."""

from __future__ import annotations

import pytest

from inpaint_eval.machine.memory import memory_rise_mb


def test_memory_rises_by_what_is_touched() -> None:
    kept: list[bytearray] = []
    rise = memory_rise_mb(lambda: kept.append(bytearray(b"x") * 50_000_000))
    if rise is None:
        pytest.skip("this system does not tell how much memory a process took at most")
    assert 45 < rise < 80
