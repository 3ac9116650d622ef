"""NVIDIA's driver, asked through NVML (the package ``nvidia-ml-py``)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from inpaint_eval.machine.base import Gpu


@functools.cache
def open_nvml() -> Any:
    """The module, initialised; None where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def handles() -> list[Any]:
    """One handle for each GPU that the driver has."""
    nvml = open_nvml()
    if nvml is None:
        return []
    return [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]


def ask(call: Callable[..., Any], *arguments: Any) -> Any:
    """A call's answer; None where this GPU or driver does not give it, as Jetsons often do not."""
    nvml = open_nvml()
    try:
        return call(*arguments)
    except nvml.NVMLError:
        return None


def describe_gpus() -> list[Gpu]:
    """The GPUs that NVIDIA's driver has."""
    nvml = open_nvml()
    return [_describe(nvml, handle) for handle in handles()]


def _describe(nvml: Any, handle: Any) -> Gpu:
    name = ask(nvml.nvmlDeviceGetName, handle)
    capability = ask(nvml.nvmlDeviceGetCudaComputeCapability, handle)
    memory = ask(nvml.nvmlDeviceGetMemoryInfo, handle)
    power = ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    most = ask(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_GRAPHICS)
    reasons = ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
    locked = nvml.nvmlClocksThrottleReasonApplicationsClocksSetting
    return Gpu(
        name=str(name or "unknown"),
        compute_capability=None if capability is None else "{}.{}".format(*capability),
        driver=ask(nvml.nvmlSystemGetDriverVersion),
        memory_mb=None if memory is None else memory.total / 1e6,
        power_limit_w=None if power is None else power / 1e3,
        graphics_mhz_max=most,
        clocks_locked=None if reasons is None else bool(reasons & locked),
    )


_THROTTLING = {
    "SwPowerCap": "power cap",
    "HwSlowdown": "hardware slowdown",
    "SwThermalSlowdown": "temperature (software)",
    "HwThermalSlowdown": "temperature (hardware)",
    "HwPowerBrakeSlowdown": "power brake",
}


def throttling() -> list[str]:
    """What holds a GPU's clocks down now."""
    nvml, found = open_nvml(), []
    for index, handle in enumerate(handles()):
        reasons = ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0
        for name, text in _THROTTLING.items():
            if reasons & getattr(nvml, f"nvmlClocksThrottleReason{name}"):
                found.append(f"GPU {index}: {text}")
    return found


def temperatures() -> dict[str, float]:
    """Degrees Celsius of each GPU that tells."""
    nvml, found = open_nvml(), {}
    for index, handle in enumerate(handles()):
        value = ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU)
        if value is not None:
            found[f"GPU {index}"] = float(value)
    return found


def graphics_mhz() -> float | None:
    """The first GPU's clock."""
    nvml = open_nvml()
    for handle in handles():
        clock = ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_GRAPHICS)
        return None if clock is None else float(clock)
    return None


def process_mb(pid: int) -> float | None:
    """Memory of the first GPU that a process holds, 10^6 bytes; None where NVML does not tell."""
    nvml = open_nvml()
    for handle in handles():
        rows = ask(nvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
        for row in rows:
            if row.pid == pid and row.usedGpuMemory is not None:
                return float(row.usedGpuMemory) / 1e6
    return None
