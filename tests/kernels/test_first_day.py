"""The first day on a GPU, on a machine that has none."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

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
    data = one_model.measure_model("onnxruntime-cpu", "photo", "fp32", None)
    assert data["from_cpu"] == data["from_first"] == 0
    assert set(data["milliseconds"]) == {"512x512", "1920x1080"}
    assert first_day.check_model_result(data) is data
    for name in ("from_cpu", "from_first"):
        for wrong in (0.1, float("nan")):
            with pytest.raises(first_day.Failed, match=f"{name} is .* is allowed") as caught:
                first_day.check_model_result({**data, name: wrong})
            assert caught.value.data["milliseconds"], "what was measured is told all the same"


def test_percentiles_are_of_many_calls(one_model: ModuleType) -> None:
    calls: list[int] = []
    found = one_model.percentiles(lambda: calls.append(1))
    assert len(calls) == 203
    assert 0 <= found["p50"] <= found["p90"] <= found["p99"]
