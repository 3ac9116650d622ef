"""The few CUDA calls that a session needs, through NVIDIA's own bindings.

Everything else in this package calls CUDA through :class:`Cuda`, so that its order of calls can be
tested on machines that have no GPU. Pointers, streams and graphs are plain integers.

These are calls of the driver. The bindings also offer CUDA's runtime, which they carry inside them
in their own version: a driver of an older major version, like JetPack 6's, refuses it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from inpaint_sdk.errors import BackendError

REMEDY = (
    "Install NVIDIA's bindings of the driver's major version: pip install "
    '"cuda-bindings>=12.8,<13" for CUDA 12, as on JetPack 6, "cuda-bindings>=13" for CUDA 13'
)

CopyKind = Literal["to_device", "to_host"]
KernelArgument = tuple[int | float, Any]
"""A value and its ctypes type."""

_NAME_BYTES = 256
_DRIVER_TOO_OLD = frozenset({35, 36, 803})
"""CUDA's statuses for a driver that is older than what calls it."""


@dataclass(frozen=True)
class Device:
    """A GPU.

    capability: its compute capability, like ``sm_87``. memory: in bytes. integrated: whether that
    is the host's own memory, as on a Jetson.
    """

    name: str
    capability: str
    multiprocessors: int
    memory: int
    integrated: bool


class Cuda:
    """CUDA on the first GPU that ``CUDA_VISIBLE_DEVICES`` leaves.

    What touches the GPU is to be called inside :meth:`current`. Every method raises
    ``BackendError`` with CUDA's own message if the call fails.
    """

    def __init__(self) -> None:
        """Raises ``BackendError`` if the bindings are not installed, or there is no usable GPU."""
        try:
            from cuda.bindings import driver, nvrtc
        except Exception as error:  # missing libraries fail in many ways; each is a reason
            raise BackendError(f"CUDA cannot be called: {error}. {REMEDY}") from error
        self._driver: Any = driver
        self._nvrtc: Any = nvrtc
        self._call("cuInit", 0)
        if self._call("cuDeviceGetCount") < 1:
            raise BackendError("there is no NVIDIA GPU here")
        self._device = self._call("cuDeviceGet", 0)
        self._context: Any = None

    def device(self) -> Device:
        """The GPU."""
        name = self._call("cuDeviceGetName", _NAME_BYTES, self._device)
        return Device(
            name=name.split(b"\0")[0].decode(errors="replace").strip(),
            capability=f"sm_{self._attribute('COMPUTE_CAPABILITY_MAJOR')}"
            f"{self._attribute('COMPUTE_CAPABILITY_MINOR')}",
            multiprocessors=self._attribute("MULTIPROCESSOR_COUNT"),
            memory=int(self._call("cuDeviceTotalMem", self._device)),
            integrated=bool(self._attribute("INTEGRATED")),
        )

    def _attribute(self, name: str) -> int:
        attribute = getattr(self._driver.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
        return int(self._call("cuDeviceGetAttribute", attribute, self._device))

    @contextmanager
    def current(self) -> Iterator[None]:
        """Has the calling thread's calls go to the GPU, and at the end where they went before.

        The context is the one that CUDA's runtime uses, and so TensorRT. Like there, it is kept
        until the process ends.
        """
        if self._context is None:
            self._context = self._call("cuDevicePrimaryCtxRetain", self._device)
        self._call("cuCtxPushCurrent", self._context)
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent")

    def make_stream(self) -> int:
        """A stream that does not wait for the default one."""
        flags = self._driver.CUstream_flags.CU_STREAM_NON_BLOCKING
        return int(self._call("cuStreamCreate", int(flags)))

    def drop_stream(self, stream: int) -> None:
        """Gives a stream back."""
        self._call("cuStreamDestroy", stream)

    def synchronize(self, stream: int) -> None:
        """Waits for what was queued; errors of kernels arrive here."""
        self._call("cuStreamSynchronize", stream)

    def allocate(self, size: int) -> int:
        """Memory on the device, in bytes."""
        return int(self._call("cuMemAlloc", size))

    def free(self, pointer: int) -> None:
        """Gives device memory back."""
        self._call("cuMemFree", pointer)

    def allocate_host(self, size: int) -> int:
        """Page-locked memory on the host, which the device copies from by itself."""
        return int(self._call("cuMemHostAlloc", size, self._driver.CU_MEMHOSTALLOC_DEVICEMAP))

    def free_host(self, pointer: int) -> None:
        """Gives page-locked memory back."""
        self._call("cuMemFreeHost", pointer)

    def device_address(self, pointer: int) -> int:
        """Where kernels find page-locked memory of the host."""
        return int(self._call("cuMemHostGetDevicePointer", pointer, 0))

    def copy(self, kind: CopyKind, target: int, source: int, size: int, stream: int) -> None:
        """Queues a copy of ``size`` bytes."""
        call = {"to_device": "cuMemcpyHtoDAsync", "to_host": "cuMemcpyDtoHAsync"}[kind]
        self._call(call, target, source, size, stream)

    def clear(self, pointer: int, size: int, stream: int) -> None:
        """Queues zeros."""
        self._call("cuMemsetD8Async", pointer, 0, size, stream)

    def begin_capture(self, stream: int) -> None:
        """Records what this thread queues from now on instead of running it."""
        mode = self._driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", stream, mode)

    def end_capture(self, stream: int) -> int:
        """Ends the recording; returns a graph that can be launched."""
        graph = self._call("cuStreamEndCapture", stream)
        try:
            return int(self._call("cuGraphInstantiate", graph, 0))
        finally:
            self._call("cuGraphDestroy", graph)

    def abandon_capture(self, stream: int) -> None:
        """Ends a recording that failed; never raises."""
        _, *graph = self._driver.cuStreamEndCapture(stream)
        if graph and graph[0] and int(graph[0]):
            self._driver.cuGraphDestroy(graph[0])

    def launch_graph(self, graph: int, stream: int) -> None:
        """Queues everything that the graph holds."""
        self._call("cuGraphLaunch", graph, stream)

    def drop_graph(self, graph: int) -> None:
        """Gives a graph back."""
        self._call("cuGraphExecDestroy", graph)

    def compile(self, source: str, name: str, capability: str) -> bytes:
        """CUDA C++ source as machine code for a compute capability like ``sm_87``."""
        return compile_kernels(self._nvrtc, source, name, capability)

    def load_kernels(self, image: bytes, names: Sequence[str]) -> tuple[int, dict[str, int]]:
        """A module and its kernels by name."""
        try:
            module = self._call("cuModuleLoadData", image)
        except BackendError as error:
            raise BackendError(f"{error}. NVRTC may be newer than the driver. {REMEDY}") from error
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
        try:
            status, *results = getattr(self._driver, name)(*arguments)
        except Exception as error:  # the bindings raise where a library or symbol is missing
            raise BackendError(f"CUDA cannot be called: {name}: {error}") from error
        if int(status) != 0:
            raise BackendError(f"CUDA failed: {name}: {self._explain(status)}")
        return results[0] if results else None

    def _explain(self, status: Any) -> str:
        _, text = self._driver.cuGetErrorString(status)
        told = f"{text.decode() if text else 'unknown error'} ({status.name})"
        return f"{told}. {REMEDY}" if int(status) in _DRIVER_TOO_OLD else told


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
