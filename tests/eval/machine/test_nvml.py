"""What NVML tells of a GPU, and what it does not."""

from __future__ import annotations

import pytest

from inpaint_eval.machine import nvml
from support.nvml import FakeNvml


def test_a_gpu(fake: FakeNvml) -> None:
    (gpu,) = nvml.describe_gpus()
    assert gpu.name == "NVIDIA RTX 4090"
    assert gpu.compute_capability == "8.9"
    assert gpu.driver == "580.95.05"
    assert gpu.memory_mb == 24_000
    assert gpu.power_limit_w == 450
    assert gpu.clocks_locked is True
    assert nvml.throttling() == ["GPU 0: temperature (software)"]
    assert nvml.temperatures() == {"GPU 0": 61.0}
    assert nvml.graphics_mhz() == 2520
    assert nvml.process_mb(7) == 512
    assert nvml.process_mb(8) is None


@pytest.mark.parametrize("fake", [tuple(FakeNvml.ANSWERS)[3:]], indirect=True)
def test_what_a_gpu_does_not_tell_is_none(fake: FakeNvml) -> None:
    (gpu,) = nvml.describe_gpus()
    assert gpu.compute_capability is gpu.driver is gpu.memory_mb is gpu.clocks_locked is None
    assert nvml.throttling() == []
    assert nvml.temperatures() == {}
    assert nvml.graphics_mhz() is None
    assert nvml.process_mb(7) is None
