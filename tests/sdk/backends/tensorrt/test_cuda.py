"""The calls to CUDA: as far as they go without a GPU, and against played bindings."""

from __future__ import annotations

import inspect
import re
import sys
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from inpaint_sdk import BackendError
from inpaint_sdk.backends import tensorrt
from inpaint_sdk.backends.tensorrt.cuda import Cuda, Device, compile_kernels
from support.tensorrt_fakes import FakeCuda

SOURCE = Path(tensorrt.__file__).with_name("pixels.cu").read_text()


def test_the_fake_has_every_call_with_the_same_arguments() -> None:
    own = dict(inspect.getmembers(Cuda, inspect.isfunction))
    for name, function in own.items():
        if not name.startswith("_"):
            fake = getattr(FakeCuda, name)
            assert list(inspect.signature(fake).parameters) == list(
                inspect.signature(function).parameters
            )


def test_everything_that_is_called_is_in_the_bindings() -> None:
    runtime = pytest.importorskip("cuda.bindings.runtime")
    driver = pytest.importorskip("cuda.bindings.driver")
    source = inspect.getsource(inspect.getmodule(Cuda))  # type: ignore[arg-type]
    for name in set(re.findall(r"\bcuda[A-Z]\w+", source)):
        holders = (runtime, runtime.cudaMemcpyKind, runtime.cudaStreamCaptureMode)
        assert any(hasattr(holder, name) for holder in holders), name
    for name in set(re.findall(r"\bcu[A-Z]\w+", source)):
        assert hasattr(driver, name), name


@pytest.fixture(scope="module")
def nvrtc() -> Any:
    nvrtc = pytest.importorskip("cuda.bindings.nvrtc")
    try:
        nvrtc.nvrtcVersion()
    except Exception as error:
        pytest.skip(f"NVRTC is not installed: {error}")
    return nvrtc


@pytest.mark.parametrize("capability", ["sm_75", "sm_86", "sm_87", "sm_90", "sm_120"])
def test_the_kernels_compile(nvrtc: Any, capability: str) -> None:
    image = compile_kernels(nvrtc, SOURCE, "pixels.cu", capability)
    assert image.startswith(b"\x7fELF")
    assert len(image) > 1000
    for kernel in (b"to_input", b"to_pixels"):
        assert b".text." + kernel in image


def test_what_nvrtc_refuses_is_told_with_its_reason(nvrtc: Any) -> None:
    with pytest.raises(BackendError, match=r"cannot compile x.cu for sm_86: .*identifier .nothing"):
        compile_kernels(nvrtc, 'extern "C" __global__ void f() { nothing(); }', "x.cu", "sm_86")
    with pytest.raises(BackendError, match=r"pixels.cu for sm_10.*"):
        compile_kernels(nvrtc, SOURCE, "pixels.cu", "sm_10")


def test_bindings_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(BackendError, match=r"cannot be called.*pip install cuda-bindings"):
        Cuda()


class Status(IntEnum):
    """As the bindings' own enumerations are: an integer with a name."""

    cudaSuccess = 0  # noqa: N815
    cudaErrorMemoryAllocation = 2  # noqa: N815


class Played:
    """Bindings that answer every call with success and count it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.answers: dict[str, tuple[Any, ...]] = {
            "cudaGetDeviceCount": (1,),
            "cudaGetDevice": (0,),
            "cudaGetDeviceProperties": (SimpleNamespace(name=b"Orin\0\0", major=8, minor=7),),
            "cudaGetErrorString": (b"out of memory",),
            "cudaStreamEndCapture": (55,),
            "cuModuleLoadData": (66,),
        }
        self.failing = ""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("cu") or name.startswith(("cudaMemcpyKind", "cudaStreamCapture")):
            raise AttributeError(name)
        if name in ("cudaStreamNonBlocking", "cudaHostAllocDefault", "cudaEventDisableTiming"):
            return name

        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append((name, arguments))
            if name == self.failing:
                return (Status.cudaErrorMemoryAllocation, None)
            return (Status.cudaSuccess, *self.answers.get(name, (44,)))

        return call

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    kinds = ("HostToDevice", "DeviceToHost", "DeviceToDevice")
    played.cudaMemcpyKind = SimpleNamespace(**{f"cudaMemcpy{kind}": kind for kind in kinds})
    played.cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal="thread")
    bindings = ModuleType("cuda.bindings")
    for name in ("driver", "nvrtc", "runtime"):
        setattr(bindings, name, played)
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)
    return played


def test_a_device_is_described(played: Played) -> None:
    assert Cuda().device() == Device("Orin", "sm_87")


def test_no_device(played: Played) -> None:
    played.answers["cudaGetDeviceCount"] = (0,)
    with pytest.raises(BackendError, match="no NVIDIA GPU"):
        Cuda()


def test_an_error_is_told_by_call_and_reason(played: Played) -> None:
    cuda = Cuda()
    played.failing = "cudaMalloc"
    with pytest.raises(
        BackendError, match=r"cudaMalloc: out of memory \(cudaErrorMemoryAllocation\)"
    ):
        cuda.allocate(100)


def test_copies_have_directions(played: Played) -> None:
    cuda = Cuda()
    for kind in ("to_device", "to_host"):
        cuda.copy(kind, 1, 2, 3, 4)  # type: ignore[arg-type]
    copies = [arguments for name, arguments in played.calls if name == "cudaMemcpyAsync"]
    assert copies == [
        (1, 2, 3, "HostToDevice", 4),
        (1, 2, 3, "DeviceToHost", 4),
    ]


def test_a_captured_graph_is_given_back_whether_or_not_it_can_be_made(played: Played) -> None:
    cuda = Cuda()
    assert cuda.end_capture(9) == 44
    played.failing = "cudaGraphInstantiate"
    with pytest.raises(BackendError):
        cuda.end_capture(9)
    destroyed = [arguments for name, arguments in played.calls if name == "cudaGraphDestroy"]
    assert destroyed == [(55,), (55,)]
    cuda.abandon_capture(9)
    assert played.names[-2:] == ["cudaGraphDestroy", "cudaGetLastError"]


def test_kernels_are_launched_with_values_and_types(played: Played) -> None:
    import ctypes

    cuda = Cuda()
    module, kernels = cuda.load_kernels(b"image", ["a"])
    assert (module, kernels) == (66, {"a": 44})
    cuda.launch(44, (3, 2), (32, 8), [(5, ctypes.c_void_p), (6, ctypes.c_int)], 9)
    types = (ctypes.c_void_p, ctypes.c_int)
    expected = (44, 3, 2, 1, 32, 8, 1, 0, 9, ((5, 6), types), 0)
    assert played.calls[-1] == ("cuLaunchKernel", expected)
