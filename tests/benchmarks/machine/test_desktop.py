"""A desktop's readers: RAPL's counters, and NVML, which a stand-in plays."""

# ruff: noqa: N802, N815 -- the stand-in has NVML's names

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from inpaint_bench.machine import describe_machine, nvml, read_machine
from inpaint_bench.machine.energy import find_meter
from inpaint_bench.machine.memory import rise_mb
from inpaint_bench.schema.machine import Machine
from support.jetson_trees import write_tree

RAPL = {
    "sys/class/powercap/intel-rapl:0/name": "package-0",
    "sys/class/powercap/intel-rapl:0/energy_uj": "5000000",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850",
    "sys/class/powercap/intel-rapl:0:0/name": "core",
    "sys/class/powercap/intel-rapl:0:0/energy_uj": "3000000",
    "sys/class/powercap/intel-rapl:1/name": "package-1",
    "sys/class/powercap/intel-rapl:1/energy_uj": "262143000000",
    "sys/class/powercap/intel-rapl:1/max_energy_range_uj": "262143328850",
    "sys/class/powercap/intel-rapl:2/name": "psys",
    "sys/class/powercap/intel-rapl:2/energy_uj": "1",
}


def test_rapl_adds_packages_and_knows_where_a_counter_wraps(tmp_path: Path) -> None:
    meter = find_meter(write_tree(tmp_path, RAPL), gpu=False)
    assert meter.name == "RAPL package-0 + package-1"
    meter.start()
    folder = "sys/class/powercap/intel-rapl"
    write_tree(tmp_path, {f"{folder}:0/energy_uj": "7000000", f"{folder}:1/energy_uj": "671150"})
    assert meter.stop() == pytest.approx(2.0 + 1.0)


class FakeNvml:
    """What this SDK asks of NVML, for one GPU; ``lacking`` names calls that it does not support."""

    class NVMLError(Exception):
        pass

    NVML_CLOCK_GRAPHICS = 0
    NVML_TEMPERATURE_GPU = 0
    nvmlClocksThrottleReasonApplicationsClocksSetting = 2
    nvmlClocksThrottleReasonSwPowerCap = 4
    nvmlClocksThrottleReasonHwSlowdown = 8
    nvmlClocksThrottleReasonSwThermalSlowdown = 32
    nvmlClocksThrottleReasonHwThermalSlowdown = 64
    nvmlClocksThrottleReasonHwPowerBrakeSlowdown = 128

    ANSWERS: ClassVar[dict[str, Any]] = {
        "nvmlDeviceGetCount": 1,
        "nvmlDeviceGetHandleByIndex": "gpu",
        "nvmlDeviceGetName": "NVIDIA RTX 4090",
        "nvmlDeviceGetCudaComputeCapability": (8, 9),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=24_000_000_000),
        "nvmlDeviceGetEnforcedPowerLimit": 450_000,
        "nvmlDeviceGetMaxClockInfo": 3105,
        "nvmlDeviceGetClockInfo": 2520,
        "nvmlDeviceGetCurrentClocksThrottleReasons": 2 | 32,
        "nvmlDeviceGetTemperature": 61,
        "nvmlSystemGetDriverVersion": "580.95.05",
        "nvmlDeviceGetComputeRunningProcesses": [
            SimpleNamespace(pid=7, usedGpuMemory=512_000_000),
            SimpleNamespace(pid=8, usedGpuMemory=None),
        ],
    }

    def __init__(self, *lacking: str) -> None:
        self._lacking = lacking
        self.millijoules = 1000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: object) -> int:
        if "nvmlDeviceGetTotalEnergyConsumption" in self._lacking:
            raise self.NVMLError
        self.millijoules += 2500
        return self.millijoules

    def __getattr__(self, name: str) -> Any:
        def answer(*_: object) -> Any:
            if name in self._lacking:
                raise self.NVMLError
            return self.ANSWERS[name]

        return answer


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[FakeNvml]:
    found = FakeNvml(*getattr(request, "param", ()))
    monkeypatch.setattr(nvml, "open_nvml", lambda: found)
    monkeypatch.setattr("inpaint_bench.machine.energy.gpu.open_nvml", lambda: found)
    yield found


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


def test_a_gpu_counts_energy(fake: FakeNvml, tmp_path: Path) -> None:
    meter = find_meter(tmp_path, gpu=True)
    assert meter.name == "NVML GPU 0"
    meter.start()
    assert meter.stop() == pytest.approx(2.5)


@pytest.mark.parametrize("fake", [tuple(FakeNvml.ANSWERS)[3:]], indirect=True)
def test_what_a_gpu_does_not_tell_is_none(fake: FakeNvml) -> None:
    (gpu,) = nvml.describe_gpus()
    assert gpu.compute_capability is gpu.driver is gpu.memory_mb is gpu.clocks_locked is None
    assert nvml.throttling() == []
    assert nvml.temperatures() == {}
    assert nvml.graphics_mhz() is None
    assert nvml.process_mb(7) is None


def test_this_machine() -> None:
    machine = read_machine()
    assert machine.cpu.cores >= 1
    assert machine.memory_mb > 0
    assert machine.libraries["onnxruntime"]
    assert Machine.model_validate(describe_machine()).cpu == machine.cpu


def test_memory_rises_by_what_is_touched() -> None:
    kept: list[bytearray] = []
    rise = rise_mb(lambda: kept.append(bytearray(b"x") * 50_000_000))
    if rise is None:
        pytest.skip("this system does not tell how much memory a process took at most")
    assert 45 < rise < 80
