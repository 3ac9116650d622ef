"""ONNX Runtime's two backends: never the CPU where the GPU was asked for."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

import pytest

from inpaint_sdk import BackendError, ModelError, Restorer
from inpaint_sdk.backends import ParallelSession, probe_backends
from inpaint_sdk.backends.onnxruntime import loader
from inpaint_sdk.backends.pool import ModelPool


def play(monkeypatch: pytest.MonkeyPatch, available: list[str], used: list[str]) -> list[Any]:
    """Puts an ``onnxruntime`` with a GPU build's providers in place; returns its sessions."""
    sessions: list[Any] = []

    class Value:
        def __init__(self, name: str) -> None:
            self.name = name

    class Session:
        def __init__(self, data: bytes, options: Any, providers: list[str], **others: Any) -> None:
            self.asked = providers
            self.threads = options.intra_op_num_threads
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


def on_cuda(gpu: int) -> tuple[str, dict[str, str]]:
    """Without products of 10 bits in fp32, and without a search for each new size."""
    options = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC", "device_id": str(gpu)}
    return ("CUDAExecutionProvider", options)


def test_a_wheel_without_the_provider_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH[1:], BOTH[1:])
    assert not probe_backends()["onnxruntime-cuda"].available
    with pytest.raises(
        BackendError, match=r"no CUDAExecutionProvider.*pip install onnxruntime-gpu"
    ):
        Restorer.load("photo", backend="onnxruntime-cuda")


def test_no_wheel_is_promised_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for JetPack 6, whose Python is 3.10."""
    play(monkeypatch, BOTH[1:], BOTH[1:])
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    for python, wheel in (((3, 10, 12), False), ((3, 12, 3), True)):
        monkeypatch.setattr(sys, "version_info", python)
        detail = probe_backends()["onnxruntime-cuda"].detail
        assert ("pip install onnxruntime-gpu" in detail) == wheel
        assert ("use the backend tensorrt" in detail) != wheel


def test_a_provider_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without a driver: ONNX Runtime itself would go on with the CPU."""
    play(monkeypatch, BOTH, BOTH[1:])
    with pytest.raises(BackendError, match=r"cannot start it.*run on CPUExecutionProvider instead"):
        Restorer.load("photo", backend="onnxruntime-cuda")


def test_the_gpu_is_used_without_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = play(monkeypatch, BOTH, BOTH)
    assert Restorer.load("photo", backend="onnxruntime-cuda").backend == "onnxruntime-cuda"
    assert sessions[-1].asked == [on_cuda(0)]
    assert not sessions[-1].fallback


@pytest.mark.parametrize("fast", [True, False])
def test_exact_sums_of_int8_are_asked_for_where_they_are_not_given(
    monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    """They double a model's time on a processor whose sums are exact anyhow."""
    sessions = play(monkeypatch, BOTH[1:], BOTH[1:])
    monkeypatch.setattr(loader, "is_fast_in_int8", lambda: fast)
    assert Restorer.load("photo", precision="int8").model.precision == "int8"
    assert ("session.x64quantprecision" in sessions[-1].entries) != fast


def test_a_gpu_build_still_runs_on_the_cpu_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = play(monkeypatch, BOTH, BOTH[1:])
    assert Restorer.load("photo", backend="onnxruntime-cpu").backend == "onnxruntime-cpu"
    assert sessions[-1].asked == ["CPUExecutionProvider"]


def test_threads_do_not_spin_between_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime has this setting since 1.11, and ignores those that it does not know."""
    sessions = play(monkeypatch, BOTH, BOTH[1:])
    Restorer.load("photo", backend="onnxruntime-cpu")
    assert sessions[-1].entries["session.force_spinning_stop"] == "1"


@pytest.mark.parametrize("threads", [1, 3, None])
def test_inputs_are_run_side_by_side_on_cores_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, threads: int | None
) -> None:
    """A session of its own stays on one core; it is made once, when it is needed."""
    sessions = play(monkeypatch, BOTH, BOTH[1:])
    session = ModelPool("onnxruntime-cpu", threads=threads).get("photo").session
    assert isinstance(session, ParallelSession)
    assert session.cores == (threads or len(os.sched_getaffinity(0)))
    for _ in range(2):
        assert list(session.run_each([])) == []
    assert [one.threads for one in sessions[1:]] == [1] * (session.cores > 1)


def test_inputs_follow_each_other_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = play(monkeypatch, BOTH, BOTH)
    session = ModelPool("onnxruntime-cuda", threads=4).get("photo").session
    assert isinstance(session, ParallelSession)
    assert session.cores == 1
    assert list(session.run_each([])) == []
    assert len(sessions) == 1


def test_auto_chooses_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH, BOTH[1:])
    assert Restorer.load("photo").backend == "onnxruntime-cpu"


@pytest.mark.parametrize(
    ("device", "asked"),
    [
        ("cuda", on_cuda(0)),
        ("cuda:1", on_cuda(1)),
        ("cpu", "CPUExecutionProvider"),
    ],
)
def test_auto_follows_the_device(monkeypatch: pytest.MonkeyPatch, device: str, asked: Any) -> None:
    sessions = play(monkeypatch, BOTH, BOTH if device != "cpu" else BOTH[1:])
    session = ModelPool(device=device).get("photo").session
    assert session.backend == f"onnxruntime-{device[:4].rstrip(':')}"
    assert sessions[-1].asked == [asked]


def test_a_gpu_that_is_asked_for_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH[1:], BOTH[1:])
    with pytest.raises(BackendError, match=r"onnxruntime-cuda cannot run here.*onnxruntime-gpu"):
        ModelPool(device="cuda").get("photo")


OTHER = "OpenVINOExecutionProvider"


def test_providers_are_passed_on_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = play(monkeypatch, [OTHER, *BOTH], [OTHER, BOTH[1]])
    providers = [(OTHER, {"device_type": "NPU"}), BOTH[1]]
    session = ModelPool(providers=providers).get("photo").session
    assert session.backend == "onnxruntime-openvino"
    assert sessions[-1].asked == providers


@pytest.mark.parametrize("rest", [[], BOTH[1:]])
def test_a_first_provider_that_does_not_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch, rest: list[str]
) -> None:
    """Even where the CPU may take what it leaves."""
    play(monkeypatch, [OTHER, *BOTH], BOTH[1:])
    with pytest.raises(BackendError, match=f"has {OTHER} but cannot start it"):
        ModelPool(providers=[OTHER, *rest]).get("photo")


def test_a_provider_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH, BOTH)
    with pytest.raises(BackendError, match=f"no {OTHER}; it has CUDA"):
        ModelPool(providers=[BOTH[0], OTHER]).get("photo")


def test_a_provider_that_fails_is_told_from_a_model_that_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(monkeypatch, BOTH, BOTH)
    module = sys.modules["onnxruntime"]
    playing = module.InferenceSession

    def refuse(data: bytes, options: Any, providers: list[Any], **others: Any) -> Any:
        if providers != ["CPUExecutionProvider"] or broken:
            raise RuntimeError("injected")
        return playing(data, options, providers, **others)

    monkeypatch.setattr(module, "InferenceSession", refuse)
    broken = False
    with pytest.raises(BackendError, match="cannot start CUDAExecutionProvider: injected"):
        ModelPool(device="cuda").get("photo")
    broken = True
    with pytest.raises(ModelError, match=r"cannot load .*photo.*\.onnx: injected"):
        ModelPool(device="cuda").get("photo")


def test_a_model_on_a_gpu_does_not_follow_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, BOTH, BOTH)
    session = ModelPool(device="cuda").get("photo").session
    session.after_fork()  # type: ignore[attr-defined]  # as the hook does in the child
    with pytest.raises(BackendError, match=r'does not survive fork\(\).*"spawn"'):
        session.run({})


def test_what_auto_chose_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    play(monkeypatch, BOTH, BOTH[1:])
    caplog.set_level("INFO", "inpaint_sdk")
    ModelPool().get("photo")
    assert "photo runs on onnxruntime-cpu, which auto chose" in caplog.messages
