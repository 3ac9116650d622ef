"""Files as Jetson Linux has them on three modules: what is read, and what lies beside it.

Names and forms are those of JetPack 6.2 on Orin and of JetPack 7.0 on Thor; values are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Writes files below a folder; device-tree strings end with NUL, others with a line's end."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() + (b"\0" if "device-tree" in name else b"\n"))
    return root


def _hwmon(number: int, name: str, files: Mapping[str, str]) -> dict[str, str]:
    folder = f"sys/class/hwmon/hwmon{number}"
    return {f"{folder}/name": name, **{f"{folder}/{k}": v for k, v in files.items()}}


def _ina3221(number: int, *rails: tuple[str, int, int]) -> dict[str, str]:
    """rails: label, millivolts, milliamperes of each channel."""
    files = {}
    for channel, (label, volts, amperes) in enumerate(rails, 1):
        files[f"in{channel}_label"] = label
        files[f"in{channel}_input"] = str(volts)
        files[f"curr{channel}_input"] = str(amperes)
        files[f"curr{channel}_crit"] = "32760"
    # The chip's sum of shunt voltages is a channel too, and no rail.
    files |= {"in7_label": "sum of shunt voltages", "in7_input": "4"}
    return _hwmon(number, "ina3221", files)


def _thermal(zones: Mapping[str, int], cooling: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    files = {}
    for index, (name, value) in enumerate(zones.items()):
        files[f"sys/class/thermal/thermal_zone{index}/type"] = name
        files[f"sys/class/thermal/thermal_zone{index}/temp"] = str(value)
    for index, (name, (now, most)) in enumerate(cooling.items()):
        files[f"sys/class/thermal/cooling_device{index}/type"] = name
        files[f"sys/class/thermal/cooling_device{index}/cur_state"] = str(now)
        files[f"sys/class/thermal/cooling_device{index}/max_state"] = str(most)
    return files


def _devfreq(name: str, now: int, low: int, high: int) -> dict[str, str]:
    folder = f"sys/class/devfreq/{name}"
    return {
        f"{folder}/cur_freq": str(now),
        f"{folder}/min_freq": str(low),
        f"{folder}/max_freq": str(high),
    }


def _cpu(cores: int, now: int, low: int, high: int, governor: str) -> dict[str, str]:
    files = {}
    for core in range(cores):
        folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        files |= {
            f"{folder}/scaling_governor": governor,
            f"{folder}/scaling_cur_freq": str(now - 1000 * core),
            f"{folder}/scaling_min_freq": str(low),
            f"{folder}/scaling_max_freq": str(high),
        }
    return files


_DPKG = """Package: nvidia-l4t-core
Status: install ok installed
Version: {l4t}

Package: nvidia-jetpack
Status: {status}
Architecture: arm64
Version: {jetpack}
Depends: nvidia-jetpack-runtime (= {jetpack})

Package: python3
Status: install ok installed
Version: 3.10.6"""

ORIN_NANO = {
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
    "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0"
    "nvidia,tegra234",
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, "
    "EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n# KERNEL_VARIANT: oot",
    "var/lib/dpkg/status": _DPKG.format(
        l4t="36.4.3-20250107174145", status="install ok installed", jetpack="6.2+b77"
    ),
    "etc/nvpmodel.conf": "# NVIDIA\n< PARAM TYPE=FILE NAME=CPU_ONLINE >\n"
    "< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=1 NAME=25W >\n"
    "< POWER_MODEL ID=2 NAME=MAXN_SUPER >\nGPU MAX_FREQ -1\n< PM_CONFIG DEFAULT=1 >",
    "var/lib/nvpmodel/status": "pmode:0002 fmode:quiet",
    **_devfreq("17000000.gpu", 1020000000, 306000000, 1020000000),
    **_devfreq("15340000.vic", 115200000, 115200000, 729600000),
    **_cpu(6, 1728000, 729600, 1728000, "schedutil"),
    **_thermal(
        {"cpu-thermal": 51281, "gpu-thermal": 52093, "tj-thermal": 52500, "cv0-thermal": -256000},
        {"pwm-fan": (2, 7), "cpufreq-cpu0": (0, 15), "gpu-throttle-alert": (1, 1)},
    ),
    **_ina3221(3, ("VDD_IN", 5040, 2000), ("VDD_CPU_GPU_CV", 5032, 800), ("VDD_SOC", 5032, 400)),
    **_hwmon(4, "soctherm_oc", {"oc1_event_cnt": "0", "oc3_event_cnt": "7"}),
    **_hwmon(0, "pwmfan", {"pwm1": "60"}),
}

AGX_ORIN = {
    "proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit",
    "proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0005\0nvidia,p3701-0005\0"
    "nvidia,tegra234\0nvidia,tegra23x",
    "etc/nv_tegra_release": "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, "
    "EABI: aarch64, DATE: Tue Aug  1 19:57:35 UTC 2023",
    "var/lib/dpkg/status": _DPKG.format(
        l4t="35.4.1-20230801124926", status="deinstall ok config-files", jetpack="5.1.1-b56"
    ),
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=MODE_15W >\n"
    "< POWER_MODEL ID=3 NAME=MODE_50W >",
    "var/lib/nvpmodel/status": "pmode:0003",
    **_devfreq("17000000.ga10b", 1300500000, 1300500000, 1300500000),
    **_cpu(12, 2201600, 2201600, 2201600, "schedutil"),
    **_thermal({"CPU-therm": 48000, "GPU-therm": 45500}, {"pwm-fan": (1, 4)}),
    **_ina3221(
        5, ("VDD_GPU_SOC", 20000, 300), ("VDD_CPU_CV", 20000, 100), ("VIN_SYS_5V0", 5000, 1000)
    ),
    **_ina3221(6, ("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 5000, 200), ("NC", 0, 0)),
}

THOR = {
    "proc/device-tree/model": "NVIDIA Jetson AGX Thor Developer Kit",
    "proc/device-tree/compatible": "nvidia,p4071-0000+p3834-0008\0nvidia,p3834-0008\0"
    "nvidia,tegra264",
    "etc/nv_tegra_release": "# R38 (release), REVISION: 2.0, GCID: 41844464, BOARD: generic, "
    "EABI: aarch64, DATE: Fri Aug 22 00:55:42 UTC 2025",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=120W >",
    "var/lib/nvpmodel/status": "pmode:0001",
    **_devfreq("gpu-gpc-0", 693000000, 315000000, 1575000000),
    **_devfreq("gpu-nvd-0", 693000000, 315000000, 1692000000),
    **_cpu(14, 2601000, 972000, 2601000, "schedutil"),
    **_thermal({"cpu-thermal": 44000, "gpu-thermal": 43500, "tj-thermal": 44500}, {}),
    **_ina3221(
        1, ("VDD_GPU", 12000, 500), ("VDD_CPU_SOC_MSS", 12000, 300), ("VIN_SYS_5V0", 5000, 900)
    ),
    **_hwmon(
        2, "ina238", {"in1_input": "20000", "curr1_input": "1500", "power1_input": "30000000"}
    ),
}
