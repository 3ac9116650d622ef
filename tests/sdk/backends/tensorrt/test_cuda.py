"""The calls to CUDA: as far as they go without a GPU, and against played bindings."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from enum import IntEnum
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from inpaint_sdk import BackendError
from inpaint_sdk.backends import tensorrt
from inpaint_sdk.backends.tensorrt.cuda import Cuda, compile_kernels
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


OLDER = Path(__file__).parents[4] / "build" / "older"
"""Where ``packaging/older.sh`` installs versions beside the one of the environment."""


def bindings_of(version: str) -> str | None:
    """A folder with the bindings of a version, "" for the one that is installed, None for none."""
    with suppress(metadata.PackageNotFoundError):
        if metadata.version("cuda-bindings").startswith(version):
            return ""
    found = next(OLDER.glob(f"cuda-bindings=={version}*"), None)
    return found and str(found)


@pytest.fixture(scope="module")
def stub_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ``libcuda.so.1`` of CUDA 12.6, as JetPack 6 has it."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("driver")
    library = folder / "libcuda.so.1"
    source = Path(__file__).with_name("stub_driver.cpp")
    command = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", source]
    subprocess.run([*command, "-o", library], check=True)
    return folder


@pytest.mark.parametrize("version", ["12.8.", "12.9.", "13."])
def test_every_call_over_a_driver_of_cuda_12(version: str, stub_driver: Path) -> None:
    """Whatever is newer in the bindings than in the driver."""
    folder = bindings_of(version)
    if folder is None:
        pytest.skip(f"cuda-bindings {version}* are neither installed nor in {OLDER}: "
                    f"packaging/older.sh {OLDER}")  # fmt: skip
    paths = [folder, *sys.path]
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("every_cuda_call.py")],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(stub_driver),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(version)


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
    with pytest.raises(BackendError, match=r"cannot be called.*pip install .cuda-bindings"):
        Cuda()


class Status(IntEnum):
    """As the bindings' own enumerations are: an integer with a name."""

    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    INSUFFICIENT_DRIVER = 35
    CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER = 36
    CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803


class Played:
    """Bindings that answer every call with success and count it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.answers: dict[str, tuple[Any, ...]] = {
            "cuDeviceGetCount": (1,),
            "cuGetErrorString": (b"out of memory",),
            "cuStreamEndCapture": (55,),
        }
        self.failing = ""
        self.status = Status.CUDA_ERROR_OUT_OF_MEMORY

    def __getattr__(self, name: str) -> Any:
        if not re.match("cu[A-Z]", name):
            raise AttributeError(name)

        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append((name, arguments))
            if name == self.failing:
                return (self.status, None)
            return (Status.CUDA_SUCCESS, *self.answers.get(name, (44,)))

        return call

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    bindings = ModuleType("cuda.bindings")
    for name in ("driver", "nvrtc"):
        setattr(bindings, name, played)
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)
    return played


def test_no_device(played: Played) -> None:
    played.answers["cuDeviceGetCount"] = (0,)
    with pytest.raises(BackendError, match="no NVIDIA GPU"):
        Cuda()


def test_a_driver_that_cannot_start(played: Played) -> None:
    played.failing = "cuInit"
    with pytest.raises(BackendError, match=r"cuInit: out of memory \(CUDA_ERROR_OUT_OF_MEMORY\)"):
        Cuda()


@pytest.mark.parametrize("status", list(Status)[2:])
def test_a_driver_that_is_too_old_is_told_with_the_remedy(played: Played, status: Status) -> None:
    played.failing, played.status = "cuInit", status
    with pytest.raises(BackendError, match=rf"{status.name}\)\. Install .*<13. for CUDA 12"):
        Cuda()


def test_looking_at_a_device_makes_no_context(played: Played) -> None:
    """One takes hundreds of megabytes, and to look is what ``doctor`` does."""
    played.answers["cuDeviceGetName"] = (b"Orin\0\0",)
    played.CUdevice_attribute = SimpleNamespace(
        **{
            f"CU_DEVICE_ATTRIBUTE_{name}": name
            for name in (
                "COMPUTE_CAPABILITY_MAJOR",
                "COMPUTE_CAPABILITY_MINOR",
                "MULTIPROCESSOR_COUNT",
                "INTEGRATED",
            )
        }
    )
    assert Cuda().device().name == "Orin"
    assert not any("Ctx" in name for name in played.names)


def test_the_context_before_is_current_again_whatever_happens(played: Played) -> None:
    cuda = Cuda()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), cuda.current():
            raise KeyboardInterrupt
    contexts = [name for name in played.names if "Ctx" in name]
    assert contexts == ["cuDevicePrimaryCtxRetain", *["cuCtxPushCurrent", "cuCtxPopCurrent"] * 2]


def test_a_captured_graph_is_given_back_whether_or_not_it_can_be_made(played: Played) -> None:
    cuda = Cuda()
    assert cuda.end_capture(9) == 44
    played.failing = "cuGraphInstantiate"
    with pytest.raises(BackendError):
        cuda.end_capture(9)
    destroyed = [arguments for name, arguments in played.calls if name == "cuGraphDestroy"]
    assert destroyed == [(55,), (55,)]
    cuda.abandon_capture(9)
    assert played.names[-1] == "cuGraphDestroy"
