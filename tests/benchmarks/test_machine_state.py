"""The state of a Jetson, read from a tree of files."""

from __future__ import annotations

import time
from pathlib import Path

from inpaint_bench.machine_state import StateReader, throttling
from support.jetson_trees import AGX_ORIN, ORIN_NANO, write_tree


def test_state(tmp_path: Path) -> None:
    reader = StateReader(write_tree(tmp_path, ORIN_NANO))
    time.sleep(0.05)
    state = reader.read()
    assert state.cpu_mhz == 1728.0
    assert state.gpu_mhz == 1020.0
    # The sensor of what is switched off is no temperature, and a fan is no throttling.
    assert state.temperatures == {"cpu-thermal": 51.281, "gpu-thermal": 52.093, "tj-thermal": 52.5}
    assert state.throttling == ["gpu-throttle-alert: 1 of 1", "over-current limit oc3: 7 events"]
    assert state.others_cpu is not None
    assert 0 <= state.others_cpu <= 1


def test_nothing_throttles(tmp_path: Path) -> None:
    assert throttling(write_tree(tmp_path, AGX_ORIN)) == []
