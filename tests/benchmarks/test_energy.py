"""Meters of energy: a Jetson's rails and RAPL on trees of files, NVML's counter on a stand-in."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from inpaint_bench import energy
from inpaint_bench.energy import Gauge, find_meter, find_rails
from inpaint_eval.machine import nvml
from support.jetson_trees import AGX_ORIN, ORIN_NANO, THOR, write_tree
from support.nvml import FakeNvml

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
    assert meter is not None
    assert meter.name == "RAPL package-0 + package-1"
    folder = "sys/class/powercap/intel-rapl"
    later = {f"{folder}:0/energy_uj": "7000000", f"{folder}:1/energy_uj": "671150"}
    assert meter.joules(lambda: write_tree(tmp_path, later)) == pytest.approx(2.0 + 1.0)


def test_a_gpu_counts_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml()
    monkeypatch.setattr(nvml, "open_nvml", lambda: fake)
    meter = find_meter(tmp_path, gpu=True)
    assert meter is not None
    assert meter.name == "NVML GPU 0"
    assert meter.joules(lambda: None) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("files", "rails", "name", "watts"),
    [
        (ORIN_NANO, 3, "rails VDD_IN", 10.08),
        (AGX_ORIN, 4, "rails VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0", 6.0 + 2.0 + 5.0),
        (THOR, 4, "rails VIN", 30.0),
    ],
)
def test_energy(tmp_path: Path, files: dict[str, str], rails: int, name: str, watts: float) -> None:
    write_tree(tmp_path, files)
    assert len(find_rails(tmp_path)) == rails
    meter = find_meter(tmp_path, gpu=True)
    assert meter is not None
    assert meter.name == name
    worked: list[float] = []

    def work() -> None:
        started = time.perf_counter()
        time.sleep(0.2)
        worked.append(time.perf_counter() - started)

    before = time.perf_counter()
    joules = meter.joules(work)
    assert watts * worked[0] <= joules <= watts * (time.perf_counter() - before)


def test_power_that_changes_is_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = find_meter(write_tree(tmp_path, THOR), gpu=True)
    assert meter is not None
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(energy, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(energy, "PERIOD", 1000.0)  # nothing is read but at the start and the end
    later = {"sys/class/hwmon/hwmon2/power1_input": "60000000"}
    assert meter.joules(lambda: write_tree(tmp_path, later)) == pytest.approx(2.0 * (30 + 60) / 2)


@pytest.mark.parametrize(
    ("gpu", "looked"),
    [(False, "no readable RAPL in /sys/class/powercap"), (True, "NVML gives no energy")],
)
def test_no_meter_says_what_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, looked: str
) -> None:
    monkeypatch.setattr(nvml, "open_nvml", lambda: None)
    energy, reason = Gauge(gpu=gpu, seconds=1.0, root=tmp_path).measure(lambda: None, batch=1)
    assert energy is None
    assert reason == f"no INA3221 or INA238 in /sys/class/hwmon, and {looked}"
