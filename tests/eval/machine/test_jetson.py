"""Jetson's readers, on trees of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from inpaint_eval.machine import Jetson, jetson, read_machine
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
