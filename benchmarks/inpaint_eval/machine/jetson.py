"""Jetson modules, from the files that Jetson Linux keeps.

| what | file |
| --- | --- |
| module | ``/proc/device-tree/compatible``, whose part number is the module's |
| Jetson Linux | ``/etc/nv_tegra_release`` |
| JetPack | the package ``nvidia-jetpack`` in ``/var/lib/dpkg/status``, or from Jetson Linux |
| power mode | ``/var/lib/nvpmodel/status`` and ``/etc/nvpmodel.conf``, as nvpmodel reads them |
| GPU's clock | ``/sys/class/devfreq/``: ``17000000.gpu`` on Orin, ``gpu-gpc-0`` on Thor |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from inpaint_eval.machine.base import Gpu, Jetson, read_number, read_text

MODULES = {
    "p3701-0000": "Jetson AGX Orin Developer Kit",
    "p3701-0004": "Jetson AGX Orin 32GB",
    "p3701-0005": "Jetson AGX Orin 64GB",
    "p3701-0008": "Jetson AGX Orin Industrial",
    "p3767-0000": "Jetson Orin NX 16GB",
    "p3767-0001": "Jetson Orin NX 8GB",
    "p3767-0003": "Jetson Orin Nano 8GB",
    "p3767-0004": "Jetson Orin Nano 4GB",
    "p3767-0005": "Jetson Orin Nano 8GB (Developer Kit)",
    "p3834-0008": "Jetson T5000 (Thor)",
}

JETPACKS = {
    "35.1.0": "5.0.2",
    "35.2.1": "5.1",
    "35.3.1": "5.1.1",
    "35.4.1": "5.1.2",
    "35.5.0": "5.1.3",
    "35.6.0": "5.1.4",
    "36.3.0": "6.0",
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
    "38.2.0": "7.0",
    "38.4.0": "7.1",
    "39.2.0": "7.2",
}
"""Jetson Linux to the JetPack that it belongs to."""

CAPABILITIES = {"tegra234": "8.7", "tegra264": "11.0"}
"""System on chip to its GPU's compute capability."""


def describe_jetson(root: Path) -> Jetson | None:
    """The module below ``root``; None where it is none."""
    compatible = _compatible(root)
    if not any(entry.startswith("nvidia,tegra") for entry in compatible):
        return None
    part = _part(compatible)
    l4t = _l4t(root)
    mode_id = _power_mode_id(root)
    model = read_text(root / "proc/device-tree/model")
    return Jetson(
        module=MODULES.get(part or "", model or "unknown"),
        part=part,
        l4t=l4t,
        jetpack=_package_version(root, "nvidia-jetpack") or JETPACKS.get(l4t or ""),
        power_mode=_power_mode_name(root, mode_id),
        power_mode_id=mode_id,
    )


def describe_gpu(root: Path) -> Gpu | None:
    """A Jetson's GPU, from the files of its clock: NVML says little of it, or nothing."""
    clock = _gpu_clock(root)
    chip = next((e.split(",")[1] for e in _compatible(root) if e.startswith("nvidia,tegra")), None)
    if chip is None or clock is None:
        return None
    return Gpu(
        name=f"{chip} GPU",
        compute_capability=CAPABILITIES.get(chip),
        driver=None,
        memory_mb=None,
        power_limit_w=None,
        graphics_mhz_max=None if clock.highest is None else clock.highest / 1e6,
        clocks_locked=None if clock.lowest is None else clock.lowest == clock.highest,
    )


def gpu_mhz(root: Path) -> float | None:
    """The GPU's clock now."""
    clock = _gpu_clock(root)
    return None if clock is None or clock.now is None else clock.now / 1e6


@dataclass(frozen=True)
class _Clock:
    """Hertz."""

    now: float | None
    lowest: float | None
    highest: float | None


def _gpu_clock(root: Path) -> _Clock | None:
    folders = sorted((root / "sys/class/devfreq").glob("*"))
    for pattern in (r"gpu-gpc-0", r".*\.(gpu|ga10b|gv11b)"):
        for folder in folders:
            if re.fullmatch(pattern, folder.name):
                names = ("cur_freq", "min_freq", "max_freq")
                return _Clock(*(read_number(folder / name) for name in names))
    return None


def _compatible(root: Path) -> list[str]:
    """The device tree's names for the machine, the most particular first."""
    return (read_text(root / "proc/device-tree/compatible") or "").split("\0")


def _part(compatible: list[str]) -> str | None:
    """The module's number: with a carrier board, ``p3768-0000+p3767-0005``, it comes second."""
    for entry in compatible:
        parts = re.findall(r"p\d{4}-\d{4}", entry)
        if parts:
            return str(parts[-1])
    return None


def _l4t(root: Path) -> str | None:
    text = read_text(root / "etc/nv_tegra_release") or ""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text)
    if found is None:
        return None
    numbers = [found[1], *found[2].split("."), "0"][:3]
    return ".".join(numbers)


def _package_version(root: Path, package: str) -> str | None:
    """An installed Debian package's version without its build number."""
    text = read_text(root / "var/lib/dpkg/status") or ""
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Package") == package and fields.get("Status", "").endswith(" installed"):
            return str(fields["Version"]).split("+")[0]
    return None


def _power_mode_id(root: Path) -> int | None:
    found = re.search(r"pmode:(\d+)", read_text(root / "var/lib/nvpmodel/status") or "")
    return int(found[1]) if found else None


def _power_mode_name(root: Path, mode_id: int | None) -> str | None:
    text = read_text(root / "etc/nvpmodel.conf") or ""
    for found in re.finditer(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", text):
        if int(found[1]) == mode_id:
            return str(found[2])
    return None
