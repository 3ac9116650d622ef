"""Jetson's readers, on trees of files."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from inpaint_bench.floor.devices import PUBLISHED, matches
from inpaint_bench.machine import StateReader, jetson, read_machine, thermal
from inpaint_bench.machine.energy import NoMeterError, base, find_meter
from inpaint_bench.machine.energy.base import PowerMeter
from inpaint_bench.machine.energy.rails import find_rails
from inpaint_bench.schema.machine import Jetson
from support.jetson_trees import AGX_ORIN, ORIN_NANO, THOR, write_tree

TREES = {"orin-nano-super": ORIN_NANO, "agx-orin": AGX_ORIN, "thor": THOR}


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    return request.param, write_tree(tmp_path, TREES[request.param])


def test_modules(tmp_path: Path) -> None:
    found = {
        name: jetson.describe_jetson(write_tree(tmp_path / name, files))
        for name, files in TREES.items()
    }
    assert found == {
        "orin-nano-super": Jetson(
            module="Jetson Orin Nano 8GB (Developer Kit)",
            part="p3767-0005",
            l4t="36.4.3",
            jetpack="6.2",
            power_mode="MAXN_SUPER",
            power_mode_id=2,
        ),
        # The package was removed, so JetPack follows from Jetson Linux.
        "agx-orin": Jetson(
            module="Jetson AGX Orin 64GB",
            part="p3701-0005",
            l4t="35.4.1",
            jetpack="5.1.2",
            power_mode="MODE_50W",
            power_mode_id=3,
        ),
        "thor": Jetson(
            module="Jetson T5000 (Thor)",
            part="p3834-0008",
            l4t="38.2.0",
            jetpack="7.0",
            power_mode="120W",
            power_mode_id=1,
        ),
    }


def test_a_machine_that_is_none(tmp_path: Path) -> None:
    assert jetson.describe_jetson(tmp_path) is None
    assert jetson.describe_gpu(tmp_path) is None
    write_tree(tmp_path, {"proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712"})
    assert jetson.describe_jetson(tmp_path) is None


def test_a_module_that_is_not_known_is_called_as_it_calls_itself(tmp_path: Path) -> None:
    files = {
        "proc/device-tree/model": "NVIDIA Jetson Orin Future",
        "proc/device-tree/compatible": "nvidia,p9999-0001\0nvidia,tegra234",
    }
    found = jetson.describe_jetson(write_tree(tmp_path, files))
    assert found is not None
    assert (found.module, found.part) == ("NVIDIA Jetson Orin Future", "p9999-0001")
    assert found.l4t is found.jetpack is found.power_mode is found.power_mode_id is None


@pytest.mark.parametrize(
    ("files", "capability", "highest", "locked", "now"),
    [
        (ORIN_NANO, "8.7", 1020.0, False, 1020.0),
        (AGX_ORIN, "8.7", 1300.5, True, 1300.5),
        (THOR, "11.0", 1575.0, False, 693.0),
    ],
)
def test_gpu_clocks(
    tmp_path: Path,
    files: dict[str, str],
    capability: str,
    highest: float,
    locked: bool,
    now: float,
) -> None:
    gpu = jetson.describe_gpu(write_tree(tmp_path, files))
    assert gpu is not None
    assert gpu.compute_capability == capability
    assert gpu.graphics_mhz_max == highest
    assert gpu.clocks_locked is locked
    assert jetson.gpu_mhz(tmp_path) == now


def test_the_whole_description(tree: tuple[str, Path]) -> None:
    name, root = tree
    machine = read_machine(root)
    assert machine.jetson is not None
    assert len(machine.gpus) == 1
    assert machine.cpu.governor == "schedutil"
    assert machine.cpu.clocks_locked is (name == "agx-orin")
    assert [key for key in PUBLISHED if matches(key, machine)] == [name]


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
    assert thermal.throttling(write_tree(tmp_path, AGX_ORIN)) == []


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
    assert meter.name == name
    before = time.perf_counter()
    meter.start()
    started = time.perf_counter()
    time.sleep(0.2)
    stopping = time.perf_counter()
    joules = meter.stop()
    ended = time.perf_counter()
    assert watts * (stopping - started) <= joules <= watts * (ended - before)


def test_power_that_changes_is_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = find_meter(write_tree(tmp_path, THOR), gpu=True)
    assert isinstance(meter, PowerMeter)
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(base, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(meter, "PERIOD", 1000.0)  # nothing is read but at the start and the end
    meter.start()
    write_tree(tmp_path, {"sys/class/hwmon/hwmon2/power1_input": "60000000"})
    assert meter.stop() == pytest.approx(2.0 * (30 + 60) / 2)


def test_no_meter_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoMeterError, match="no INA3221 or INA238 in /sys/class/hwmon"):
        find_meter(tmp_path, gpu=False)
