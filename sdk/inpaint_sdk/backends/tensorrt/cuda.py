"""The few CUDA calls that a session needs, through NVIDIA's own bindings.

Everything else in this package calls CUDA through :class:`Cuda`, so that its order of calls can be
tested on machines that have no GPU. Pointers, streams and graphs are plain integers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inpaint_sdk.errors import BackendError

REMEDY = 'Install NVIDIA\'s bindings: pip install cuda-bindings (on JetPack 6: "cuda-bindings<13")'

CopyKind = Literal["to_device", "to_host"]
KernelArgument = tuple[int | float, Any]
"""A value and its ctypes type."""


@dataclass(frozen=True)
class Device:
    """A GPU. capability: its compute capability, like ``sm_87``."""

    name: str
    capability: str


class Cuda:
    """CUDA on the current device, which is the first one that ``CUDA_VISIBLE_DEVICES`` leaves.

    Every method raises ``BackendError`` with CUDA's own message if the call fails.
    """

    def __init__(self) -> None:
        """Raises ``BackendError`` if the bindings are not installed, or there is no usable GPU."""
        try:
            from cuda.bindings import driver, nvrtc, runtime
        except Exception as error:  # missing libraries fail in many ways; each is a reason
            raise BackendError(f"CUDA cannot be called: {error}. {REMEDY}") from error
        self._driver: Any = driver
        self._nvrtc: Any = nvrtc
        self._runtime: Any = runtime
        count = self._call("cudaGetDeviceCount")
        if count < 1:
            raise BackendError("there is no NVIDIA GPU here")

    def device(self) -> Device:
        """The current GPU."""
        index = self._call("cudaGetDevice")
        properties = self._call("cudaGetDeviceProperties", index)
        name = properties.name.decode(errors="replace").rstrip("\0")
        return Device(name, f"sm_{properties.major}{properties.minor}")

    def make_stream(self) -> int:
        """A stream that does not wait for the default one."""
        flags = self._runtime.cudaStreamNonBlocking
        return int(self._call("cudaStreamCreateWithFlags", flags))

    def drop_stream(self, stream: int) -> None:
        """Gives a stream back."""
        self._call("cudaStreamDestroy", stream)

    def synchronize(self, stream: int) -> None:
        """Waits for what was queued; errors of kernels arrive here."""
        self._call("cudaStreamSynchronize", stream)

    def allocate(self, size: int) -> int:
        """Memory on the device, in bytes."""
        return int(self._call("cudaMalloc", size))

    def free(self, pointer: int) -> None:
        """Gives device memory back."""
        self._call("cudaFree", pointer)

    def allocate_host(self, size: int) -> int:
        """Page-locked memory on the host, which the device copies from by itself."""
        return int(self._call("cudaHostAlloc", size, self._runtime.cudaHostAllocDefault))

    def free_host(self, pointer: int) -> None:
        """Gives page-locked memory back."""
        self._call("cudaFreeHost", pointer)

    def copy(self, kind: CopyKind, target: int, source: int, size: int, stream: int) -> None:
        """Queues a copy of ``size`` bytes."""
        kinds = self._runtime.cudaMemcpyKind
        direction = {
            "to_device": kinds.cudaMemcpyHostToDevice,
            "to_host": kinds.cudaMemcpyDeviceToHost,
        }[kind]
        self._call("cudaMemcpyAsync", target, source, size, direction, stream)

    def clear(self, pointer: int, size: int, stream: int) -> None:
        """Queues zeros."""
        self._call("cudaMemsetAsync", pointer, 0, size, stream)

    def begin_capture(self, stream: int) -> None:
        """Records what this thread queues from now on instead of running it."""
        mode = self._runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", stream, mode)

    def end_capture(self, stream: int) -> int:
        """Ends the recording; returns a graph that can be launched."""
        graph = self._call("cudaStreamEndCapture", stream)
        try:
            return int(self._call("cudaGraphInstantiate", graph, 0))
        finally:
            self._call("cudaGraphDestroy", graph)

    def abandon_capture(self, stream: int) -> None:
        """Ends a recording that failed; never raises."""
        _, *graph = self._runtime.cudaStreamEndCapture(stream)
        if graph and graph[0]:
            self._runtime.cudaGraphDestroy(graph[0])
        self._runtime.cudaGetLastError()  # else the next call would report it again

    def launch_graph(self, graph: int, stream: int) -> None:
        """Queues everything that the graph holds."""
        self._call("cudaGraphLaunch", graph, stream)

    def drop_graph(self, graph: int) -> None:
        """Gives a graph back."""
        self._call("cudaGraphExecDestroy", graph)

    def compile(self, source: str, name: str, capability: str) -> bytes:
        """CUDA C++ source as machine code for a compute capability like ``sm_87``."""
        return compile_kernels(self._nvrtc, source, name, capability)

    def load_kernels(self, image: bytes, names: Sequence[str]) -> tuple[int, dict[str, int]]:
        """A module and its kernels by name."""
        self._call("cudaFree", 0)  # makes the device's context, which the driver's calls need
        module = self._call("cuModuleLoadData", image)
        kernels = {
            name: int(self._call("cuModuleGetFunction", module, name.encode())) for name in names
        }
        return int(module), kernels

    def drop_module(self, module: int) -> None:
        """Gives a module back."""
        self._call("cuModuleUnload", module)

    def launch(
        self,
        kernel: int,
        grid: tuple[int, int],
        block: tuple[int, int],
        arguments: Sequence[KernelArgument],
        stream: int,
    ) -> None:
        """Queues a kernel over a grid of blocks of threads, both width by height."""
        values = tuple(value for value, _ in arguments)
        types = tuple(kind for _, kind in arguments)
        self._call("cuLaunchKernel", kernel, *grid, 1, *block, 1, 0, stream, (values, types), 0)

    def _call(self, name: str, *arguments: Any) -> Any:
        module = self._driver if name.startswith("cu") and name[2].isupper() else self._runtime
        try:
            status, *results = getattr(module, name)(*arguments)
        except Exception as error:  # the bindings raise where a library or symbol is missing
            raise BackendError(f"CUDA cannot be called: {name}: {error}") from error
        if int(status) != 0:
            raise BackendError(f"CUDA failed: {name}: {self._explain(status)}")
        return results[0] if results else None

    def _explain(self, status: Any) -> str:
        if type(status).__name__ == "CUresult":
            _, text = self._driver.cuGetErrorString(status)
        else:
            _, text = self._runtime.cudaGetErrorString(status)
        return f"{text.decode() if text else 'unknown error'} ({status.name})"


def host_view(pointer: int, size: int) -> memoryview:
    """Host memory at an address as an object that numpy can view; it does not own the memory."""
    return memoryview((ctypes.c_ubyte * size).from_address(pointer))


def compile_kernels(nvrtc: Any, source: str, name: str, capability: str) -> bytes:
    """Compiles CUDA C++ with NVRTC, which needs no GPU.

    The result is machine code and not PTX, which a driver that is older than NVRTC cannot read.

    Raises:
        BackendError: NVRTC is not installed, or it refuses the source or the capability.
    """
    try:
        status, program = nvrtc.nvrtcCreateProgram(source.encode(), name.encode(), 0, [], [])
    except Exception as error:
        raise BackendError(
            f"NVRTC cannot be called: {error}. It comes with the CUDA toolkit, or: "
            "pip install nvidia-cuda-nvrtc"
        ) from error
    try:
        options = [f"--gpu-architecture={capability}".encode(), b"--std=c++17"]
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        if int(status) != 0:
            raise BackendError(f"NVRTC cannot compile {name} for {capability}: "
                               f"{_compile_log(nvrtc, program) or status.name}")  # fmt: skip
        _, size = nvrtc.nvrtcGetCUBINSize(program)
        image = b" " * size
        nvrtc.nvrtcGetCUBIN(program, image)
        return bytes(image)
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _compile_log(nvrtc: Any, program: Any) -> str:
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = b" " * size
    nvrtc.nvrtcGetProgramLog(program, log)
    return str(log.decode(errors="replace").strip(" \n\0"))
