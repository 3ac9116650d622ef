"""The first day on a GPU, on a machine that has none."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from inpaint_sdk.backends.base import Probe

CUDA = Path(__file__).parents[2] / "kernels" / "cuda"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CUDA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def first_day() -> ModuleType:
    return load("first_day")


@pytest.fixture(scope="module")
def one_model() -> ModuleType:
    return load("first_day_model")


def test_everything_is_skipped_with_its_reason(tmp_path: Path) -> None:
    result = subprocess.run(
        [CUDA / "run_gpu_checks.sh", tmp_path / "day"],
        env={**os.environ, "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    document = json.loads((tmp_path / "day" / "first_day.json").read_text())
    steps = {step["name"]: step for step in document["steps"]}
    assert {"kernels build", "kernels memcheck", "pytorch", "tensorrt"} <= set(steps)
    for step in steps.values():
        assert step["status"] == "skipped"
        assert step["note"]
    assert "no NVIDIA" in steps["kernels build"]["note"]
    assert "JetPack" in steps["tensorrt"]["note"]
    summary = (tmp_path / "day" / "summary.md").read_text()
    assert "Nothing could be run here." in summary
    assert all(name in summary for name in steps)
    assert len(summary.splitlines()) < 60, "it is one page"
    assert str(Path.home()) not in summary + json.dumps(document)


def test_steps_that_fail_do_not_end_the_others(
    first_day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object) -> dict[str, object]:
        raise ValueError("crashed")

    monkeypatch.setattr(first_day, "build_kernels", crash)
    monkeypatch.setattr(
        first_day, "run_program", lambda day, name: day.run(sys.executable, "-c", "exit(3)")
    )
    monkeypatch.setattr(first_day, "sanitize", lambda day, tool: {"cases": 7, "failures": 0})
    monkeypatch.setattr(first_day, "model_steps", lambda day: iter(()))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert first_day.spend(tmp_path) == 1
    found = json.loads((tmp_path / "first_day.json").read_text())["steps"]
    steps = {step["name"]: (step["status"], step["note"]) for step in found}
    assert steps["kernels build"] == ("failed", "ValueError('crashed')")
    assert steps["kernels test"] == ("failed", "exit status 3: it printed nothing")
    assert steps["kernels memcheck"] == ("passed", "")
    assert "| kernels memcheck | passed |" in (tmp_path / "summary.md").read_text()
    assert "7 cases, 0 failed" in (tmp_path / "summary.md").read_text()


def test_no_step_is_limited_to_less_than_a_small_cpu_needs(
    first_day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def hang(*arguments: object, timeout: float, **options: object) -> None:
        limits.append(timeout)
        raise subprocess.TimeoutExpired("test_scan", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(first_day.Failed, match="did not end in 3 hours"):
        first_day.Day(tmp_path).run("test_scan")
    assert limits == [3 * 3600]


def test_a_model_is_compared_with_the_cpu(
    first_day: ModuleType, one_model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the CPU itself, which is as near as can be."""
    monkeypatch.setattr(one_model, "percentiles", lambda call: call() is not None)
    from inpaint_sdk.backends.tensorrt import scan_node

    monkeypatch.setattr(scan_node, "find_plugin", scan_node.find_plugin)  # to be put back
    monkeypatch.setattr(logging.getLogger("inpaint_sdk"), "handlers", [])
    data = one_model.measure_model("onnxruntime-cpu", "photo", "fp32", None)
    assert data["from_cpu"] == data["from_first"] == 0
    assert set(data["milliseconds"]) == {"512x512", "1920x1080"}
    assert data["warnings"] == []
    assert first_day.check_model_result(data) is data
    for name in ("from_cpu", "from_first"):
        for wrong in (0.1, float("nan")):
            with pytest.raises(first_day.Failed, match=f"{name} is .* is allowed") as caught:
                first_day.check_model_result({**data, name: wrong})
            assert caught.value.data["milliseconds"], "what was measured is told all the same"


def test_models_with_scans_run_with_and_without_our_kernels(
    first_day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inpaint_sdk import backends

    there = dict.fromkeys(first_day.BACKENDS, Probe(True, ""))
    monkeypatch.setattr(backends, "probe_backends", lambda: there)
    steps = dict(first_day.model_steps(first_day.Day(tmp_path)))
    scans = [name for name in steps if "cloud-thin fp32" in name]
    assert scans == [
        "onnxruntime-cuda cloud-thin fp32",
        "onnxruntime-cuda cloud-thin fp32 with the CUDA scan",
        "tensorrt cloud-thin fp32",
        "tensorrt cloud-thin fp32 with the plugin",
        "tensorrt_rtx cloud-thin fp32",
    ]
    assert not any("photo" in name and "with" in name for name in steps), "it has no scans"
    with pytest.raises(first_day.Skipped, match=r"inpaint_ort\.so was not built: .* CMake$"):
        steps[scans[1]]()
    with pytest.raises(first_day.Skipped, match=r"plugin\.so was not built: .*TensorRT's headers"):
        steps[scans[3]]()


def test_scans_run_in_the_library_that_is_given(
    one_model: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        (one_model.scan_node, "find_plugin"),
        (one_model.loader, "get_library_path"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # to be put back
    installed = one_model.loader.get_library_path
    library = tmp_path / "library.so"
    library.write_bytes(b"library")
    one_model.take("tensorrt", library)
    plugin = one_model.scan_node.find_plugin("tensorrt")
    assert (plugin.path, plugin.digest) == (library, hashlib.sha256(b"library").hexdigest())
    assert one_model.loader.get_library_path is installed
    one_model.take("onnxruntime-cuda", library)
    assert one_model.scan_node.find_plugin("tensorrt") is None
    assert one_model.loader.get_library_path() == library


def test_warnings_of_the_sdk_are_told(
    first_day: ModuleType, one_model: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that cannot run as a graph is slower, and its outputs alone do not show it."""
    logger = logging.getLogger("inpaint_sdk")
    monkeypatch.setattr(logger, "handlers", [])
    warnings = one_model.Warnings()
    logger.addHandler(warnings)
    logger.getChild("backends").warning("%s cannot be captured", "it")
    logger.getChild("backends").info("compiled")
    assert warnings.found == ["it cannot be captured"]
    data = {"milliseconds": {"8x8": {"p50": 1}}, "from_cpu": 0, "load_seconds": 2}
    told = first_day._measured({**data, "warnings": warnings.found})
    assert told == "8x8 1 ms; 0 from the CPU; loaded in 2 s; it cannot be captured"


@pytest.mark.parametrize(
    ("version", "enough"), [("3.9.6", False), ("3.22.1", False), ("4.0", True)]
)
def test_a_cmake_that_is_too_old_is_a_reason_to_skip(
    first_day: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    enough: bool,
) -> None:
    """JetPack 6 has one: that it refuses the sources is no fault of theirs."""
    for name, text in (("nvcc", ""), ("cmake", f"cmake version {version}")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {text}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(first_day, "find_capability", lambda: "87")
    day = first_day.Day(tmp_path / "day")
    if enough:
        assert first_day.build_libraries(day) == {"plugin": False}
        return
    with pytest.raises(first_day.Skipped, match=rf"cmake {version} is older than 3\.24: .*pip"):
        first_day.build_libraries(day)


def test_percentiles_are_of_many_calls(one_model: ModuleType) -> None:
    calls: list[int] = []
    found = one_model.percentiles(lambda: calls.append(1))
    assert len(calls) == 203
    assert 0 <= found["p50"] <= found["p90"] <= found["p99"]
