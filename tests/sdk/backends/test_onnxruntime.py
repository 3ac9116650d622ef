"""ONNX Runtime's two backends: never the CPU where the GPU was asked for."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from inpaint_sdk import BackendError, Restorer
from inpaint_sdk.backends import probe_backends


def play(monkeypatch: pytest.MonkeyPatch, available: list[str], used: list[str]) -> list[Any]:
    """Puts an ``onnxruntime`` with a GPU build's providers in place; returns its sessions."""
    sessions: list[Any] = []

    class Value:
        def __init__(self, name: str) -> None:
            self.name = name

    class Session:
        def __init__(self, data: bytes, options: Any, providers: list[str], **others: Any) -> None:
            self.asked = providers
            self.entries = options.entries
            self.fallback = bool(others["enable_fallback"])
            sessions.append(self)

        def get_providers(self) -> list[str]:
            return used

        def get_inputs(self) -> list[Value]:
            return [Value("image"), Value("mask")]

        def get_outputs(self) -> list[Value]:
            return [Value("output")]

        def disable_fallback(self) -> None:
            self.fallback = False

    class Options:
        def __init__(self) -> None:
            self.entries: dict[str, str] = {}

        def add_session_config_entry(self, key: str, value: str) -> None:
            self.entries[key] = value

        def register_custom_ops_library(self, path: str) -> None:
            pass

    module = ModuleType("onnxruntime")
    module.__version__ = "1.30.0"  # type: ignore[attr-defined]
    module.get_available_providers = lambda: available  # type: ignore[attr-defined]
    module.InferenceSession = Session  # type: ignore[attr-defined]
    module.SessionOptions = Options  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    return sessions


BOTH = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_a_wheel_without_the_provider_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH[1:], BOTH[1:])
    assert not probe_backends()["onnxruntime-cuda"].available
    with pytest.raises(
        BackendError, match=r"no CUDAExecutionProvider.*pip install onnxruntime-gpu"
    ):
        Restorer.load("photo", backend="onnxruntime-cuda")


def test_a_provider_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without a driver: ONNX Runtime itself would go on with the CPU."""
    play(monkeypatch, BOTH, BOTH[1:])
    with pytest.raises(BackendError, match=r"cannot start it.*run on CPUExecutionProvider instead"):
        Restorer.load("photo", backend="onnxruntime-cuda")


def test_the_gpu_is_used_without_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = play(monkeypatch, BOTH, BOTH)
    assert Restorer.load("photo", backend="onnxruntime-cuda").backend == "onnxruntime-cuda"
    assert sessions[-1].asked == ["CUDAExecutionProvider"]
    assert not sessions[-1].fallback


def test_a_gpu_build_still_runs_on_the_cpu_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = play(monkeypatch, BOTH, BOTH[1:])
    assert Restorer.load("photo", backend="onnxruntime-cpu").backend == "onnxruntime-cpu"
    assert sessions[-1].asked == ["CPUExecutionProvider"]


def test_threads_do_not_spin_between_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime has this setting since 1.11, and ignores those that it does not know."""
    sessions = play(monkeypatch, BOTH, BOTH[1:])
    Restorer.load("photo", backend="onnxruntime-cpu")
    assert sessions[-1].entries["session.force_spinning_stop"] == "1"


def test_auto_chooses_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH, BOTH[1:])
    assert Restorer.load("photo").backend == "onnxruntime-cpu"
