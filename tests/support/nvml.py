"""A stand-in for NVML."""

# ruff: noqa: N802, N815 -- it has NVML's names

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar


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
