"""A GPU and a TensorRT that are not there, made so that wrong use of them shows.

Work that is queued on a stream runs when the stream is waited for, as late as a GPU may run it, and
memory is real, so results are only right if every copy and every wait is where it must be. What is
allocated is counted. The engine runs the model file in ONNX Runtime.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import math
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from inpaint_sdk.backends.tensorrt.cuda import Device
from inpaint_sdk.backends.tensorrt.library import PRODUCTS, Features, Library, features_of
from inpaint_sdk.errors import BackendError

DEVICE = Device("NVIDIA Fake 3000", "sm_86", 8, memory=8 << 30, integrated=False)
JETSON = Device("Fake Orin", "sm_87", 8, memory=8 << 30, integrated=True)
POISON = 0xA5
"""What new memory is full of: as floats, small numbers that give no picture."""
ALIGNED = 256
"""Bytes, as CUDA's allocations are."""
MAPPED = 1 << 62
"""Added to a host address where kernels find it, so that neither is taken for the other."""


class FakeCuda:
    """Has the methods of ``inpaint_sdk.backends.tensorrt.cuda.Cuda``."""

    def __init__(
        self, kernels: dict[str, Callable[..., None]] | None = None, device: Device = DEVICE
    ) -> None:
        self.calls: list[str] = []
        self.fail_at: str | None = None
        self.memory: dict[int, tuple[str, Any]] = {}
        self.streams: dict[int, list[Callable[[], None]]] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.modules: set[int] = set()
        self.capturing: dict[int, list[Callable[[], None]]] = {}
        self.copied: dict[str, int] = defaultdict(int)
        self._kernels = kernels or {}
        self._device = device
        self._threads: dict[int, int] = {}  # that last queued on a stream
        self._current: Counter[int] = Counter()
        self._handles = itertools.count(1000)

    def device(self) -> Device:
        return self._device

    @contextmanager
    def current(self) -> Iterator[None]:
        self.calls.append("current")
        thread = get_ident()
        self._current[thread] += 1
        try:
            yield
        finally:
            self._current[thread] -= 1

    def make_stream(self) -> int:
        self._call("make_stream")
        stream = next(self._handles)
        self.streams[stream] = []
        self._threads[stream] = get_ident()
        return stream

    def drop_stream(self, stream: int) -> None:
        self._call("drop_stream")
        del self.streams[stream]

    def synchronize(self, stream: int) -> None:
        assert stream not in self.capturing, "a stream that is captured must not be waited for"
        queued, self.streams[stream] = self.streams[stream], []
        self._call("synchronize")  # if it fails, what was queued is lost
        for work in queued:
            work()

    def allocate(self, size: int) -> int:
        return self._allocate("device", size)

    def free(self, pointer: int) -> None:
        self._free("device", pointer)

    def allocate_host(self, size: int) -> int:
        return self._allocate("host", size)

    def free_host(self, pointer: int) -> None:
        self._free("host", pointer)

    def device_address(self, pointer: int) -> int:
        self._call("device_address")
        self._owned(pointer, 1, "host")
        return pointer + MAPPED

    def copy(self, kind: str, target: int, source: int, size: int, stream: int) -> None:
        self._call(f"copy {kind}")
        sides = {
            "to_device": ("device", "host"),
            "to_host": ("host", "device"),
        }[kind]
        for pointer, side in zip((target, source), sides, strict=True):
            self._owned(pointer, size, side)

        def work() -> None:
            self.copied[kind] += size
            ctypes.memmove(target, source, size)

        self._queue(stream, work)

    def clear(self, pointer: int, size: int, stream: int) -> None:
        self._call("clear")
        self._owned(pointer, size, "device")
        self._queue(stream, lambda: ctypes.memset(pointer, 0, size))

    def begin_capture(self, stream: int) -> None:
        self._call("begin_capture")
        assert stream not in self.capturing, "a stream that is captured cannot be captured again"
        self.capturing[stream] = []

    def end_capture(self, stream: int) -> int:
        self._call("end_capture")
        graph = next(self._handles)
        self.graphs[graph] = self.capturing.pop(stream)
        return graph

    def abandon_capture(self, stream: int) -> None:
        self.calls.append("abandon_capture")
        self.capturing.pop(stream, None)

    def launch_graph(self, graph: int, stream: int) -> None:
        self._call("launch_graph")
        for work in self.graphs[graph]:
            self._queue(stream, work)

    def drop_graph(self, graph: int) -> None:
        del self.graphs[graph]
        self._call("drop_graph")

    def compile(self, source: str, name: str, capability: str) -> bytes:
        self._call("compile")
        assert "to_input" in source
        assert capability == self._device.capability
        return b"image"

    def load_kernels(self, image: bytes, names: Sequence[str]) -> tuple[int, dict[str, int]]:
        self._call("load_kernels")
        module = next(self._handles)
        self.modules.add(module)
        self._names = dict(enumerate(names, 1))
        return module, {name: handle for handle, name in self._names.items()}

    def drop_module(self, module: int) -> None:
        self._call("drop_module")
        self.modules.remove(module)

    def launch(
        self,
        kernel: int,
        grid: tuple[int, int],
        block: tuple[int, int],
        arguments: Sequence[tuple[int | float, Any]],
        stream: int,
    ) -> None:
        self._call("launch")
        run = self._kernels[self._names[kernel]]
        found = [(self._seen_by_kernel(value, kind), kind) for value, kind in arguments]
        self._queue(stream, lambda: run(grid, block, found))

    def _seen_by_kernel(self, value: int | float, kind: Any) -> int | float:
        if kind is not ctypes.c_void_p or not value:
            return value
        side, pointer = ("host", value - MAPPED) if value > MAPPED else ("device", value)
        self._owned(int(pointer), 1, side)
        return pointer

    # --- for tests and the fake engine ---

    @property
    def leaked(self) -> list[object]:
        """Everything that was not given back."""
        return [*self.memory, *self.streams, *self.graphs, *self.modules]

    @property
    def is_current(self) -> bool:
        """Whether the calling thread is inside ``current``."""
        return self._current[get_ident()] > 0

    def count(self, call: str) -> int:
        return self.calls.count(call)

    def array(self, pointer: int, shape: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Device memory as the engine sees it."""
        self._owned(pointer, 4 * math.prod(shape), "device")
        view = (ctypes.c_ubyte * (4 * math.prod(shape))).from_address(pointer)
        return np.frombuffer(view, np.float32).reshape(shape)

    def _allocate(self, side: str, size: int) -> int:
        self._call(f"allocate {side}")
        assert size > 0
        whole = (ctypes.c_ubyte * (size + ALIGNED))()
        pointer = ctypes.addressof(whole) + -ctypes.addressof(whole) % ALIGNED
        ctypes.memset(pointer, POISON, size)
        self.memory[pointer] = (
            side,
            (ctypes.c_ubyte * size).from_buffer(whole, pointer - ctypes.addressof(whole)),
        )
        return pointer

    def _free(self, side: str, pointer: int) -> None:
        self._call(f"free {side}")
        # What other threads capture or have pending is on memory of their own.
        own = [s for s in list(self.streams) if self._threads[s] == get_ident()]
        assert not any(s in self.capturing for s in own), "freed while a graph is captured"
        assert not any(self.streams[s] for s in own), "work on it may be pending"
        assert self.memory.pop(pointer)[0] == side

    def _owned(self, pointer: int, size: int, side: str) -> None:
        for start, (kind, buffer) in list(self.memory.items()):
            if start <= pointer and pointer + size <= start + ctypes.sizeof(buffer):
                assert kind == side, f"{kind} memory is used as {side} memory"
                return
        raise AssertionError("memory that is not allocated is used")

    def _queue(self, stream: int, work: Callable[[], None]) -> None:
        self._threads[stream] = get_ident()
        (self.capturing.get(stream, self.streams[stream])).append(work)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if not self.is_current and name != "compile":
            raise BackendError(f"CUDA failed: {name}: invalid device context")
        if name == self.fail_at:
            raise BackendError(f"CUDA failed: {name}: injected")


class _Logger:
    ERROR, INTERNAL_ERROR, WARNING = 1, 0, 2

    def __init__(self) -> None:
        pass

    def log(self, severity: int, message: str) -> None:
        raise NotImplementedError


class FakeKernels:
    """An ``IRuntimeCache``: the shapes that kernels were compiled for."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.shapes: set[tuple[int, ...]] = set()

    def deserialize(self, blob: bytes) -> bool:
        document = json.loads(blob)
        if not self.cuda.is_current or document["gpu"] != self.cuda.device().name:
            return False
        self.shapes = set(map(tuple, document["shapes"]))
        return True

    def serialize(self) -> bytes:
        document = {"gpu": self.cuda.device().name, "shapes": sorted(self.shapes)}
        return json.dumps(document).encode()


class FakeRuntimeConfig:
    """Has what the session uses of ``IRuntimeConfig``, with its defaults."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.strategy = "static"
        self.dynamic_shapes_kernel_specialization_strategy = "lazy"
        self.cuda_graph_strategy = "disabled"
        self.kernels = FakeKernels(cuda)

    def set_execution_context_allocation_strategy(self, strategy: str) -> None:
        self.strategy = strategy

    def create_runtime_cache(self) -> FakeKernels:
        return FakeKernels(self.cuda)

    def set_runtime_cache(self, kernels: FakeKernels) -> bool:
        self.kernels = kernels
        return True


class FakeContext:
    """Has the methods of ``IExecutionContext`` that the session calls.

    Like the real one, made to use memory that the caller manages, it has none until it is given
    some, and needs as much as the shapes want. TensorRT for RTX runs a new shape by slow kernels
    until it has compiled others; a capture from outside would keep those.
    """

    def __init__(self, engine: FakeEngine, config: FakeRuntimeConfig | None) -> None:
        self._engine = engine
        self._config = config
        self._needed = 0
        self._memory = (0, 0)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}
        self._shape_is_new = True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shapes[name] = tuple(shape)
        self._shape_is_new = True
        self._needed = 0
        return self._engine.refuse != "shape"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        batch, _, height, width = self._shapes["image"]
        return (batch, self._engine.outputs[name], height, width)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def update_device_memory_size_for_shapes(self) -> int:
        if set(self._shapes) != set(self._engine.inputs) or self._engine.refuse == "memory":
            self._engine.logger.log(_Logger.ERROR, "injected: shapes are not known")
            return 0
        self._needed = activations(self._shapes["image"])
        return self._needed

    def set_device_memory(self, memory: int, size: int) -> None:
        assert memory % 256 == 0, "the library wants aligned memory"
        self._memory = (memory, size)

    def execute_async_v3(self, stream: int) -> bool:
        engine = self._engine
        capturing = stream in engine.cuda.capturing
        if engine.refuse == "run" or (engine.refuse == "capture" and capturing):
            engine.logger.log(_Logger.ERROR, "injected failure")
            return False
        if not 0 < self._needed <= self._memory[1]:
            engine.logger.log(_Logger.ERROR, "the memory is too small for the shapes")
            return False
        if self._config is not None:
            assert not capturing, "what is captured would be the slow kernels"
            self._config.kernels.shapes.add(self._shapes["image"])
        if capturing:
            assert not self._shape_is_new, "captured before it ran once with this shape"
        self._shape_is_new = False
        addresses, shapes = dict(self._addresses), dict(self._shapes)
        memory, needed = self._memory[0], self._needed

        def work() -> None:
            engine.cuda.array(memory, (needed // 4,))[...] = np.nan  # nothing else may be in it
            inputs = {n: engine.cuda.array(addresses[n], shapes[n]) for n in engine.inputs}
            for name, value in zip(
                engine.outputs, engine.session.run(list(engine.outputs), inputs), strict=True
            ):
                engine.cuda.array(addresses[name], value.shape)[...] = value

        engine.cuda._queue(stream, work)
        return True


class FakeEngine:
    """Has the methods of ``ICudaEngine`` that the session calls.

    refuse: what fails: "shape", "memory", "run", "capture" or "context".
    """

    def __init__(self, model: bytes, cuda: FakeCuda, logger: Any, *, rtx: bool) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = tuple(value.name for value in self.session.get_inputs())
        # By name, their channels; every output is as large as the image.
        self.outputs = {value.name: int(value.shape[1]) for value in self.session.get_outputs()}
        self.cuda = cuda
        self.logger = logger
        self.refuse = ""
        self.strategies: list[str] = []  # of the contexts that were made
        self.configs: list[FakeRuntimeConfig] = []
        if rtx:
            self.create_runtime_config = self._create_runtime_config
        self.num_io_tensors = len(self.inputs) + len(self.outputs)

    def get_tensor_name(self, index: int) -> str:
        return (*self.inputs, *self.outputs)[index]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name in self.inputs else "out"

    def _create_runtime_config(self) -> FakeRuntimeConfig:
        self.configs.append(FakeRuntimeConfig(self.cuda))
        return self.configs[-1]

    def create_execution_context(self, argument: object = "static") -> FakeContext | None:
        config = argument if isinstance(argument, FakeRuntimeConfig) else None
        strategy = config.strategy if config else argument
        self.strategies.append(str(strategy))
        return None if self.refuse == "context" else FakeContext(self, config)


def activations(shape: Sequence[int]) -> int:
    """Bytes that a fake engine wants to work in for an image of that shape."""
    return 64 * math.prod(shape)


def fake_library(
    cuda: FakeCuda, name: str = "tensorrt", version: str = "10.3.0", validity: int = 0
) -> tuple[Library, list[FakeEngine]]:
    """A library whose engines are model files; and the engines that it loaded.

    validity: what ``get_engine_validity`` answers: 0 valid, 2 invalid.
    """
    engines: list[FakeEngine] = []

    class Runtime:
        engine_header_size = 64

        def __init__(self, logger: Any) -> None:
            self._logger = logger

        def get_engine_validity(self, header: bytes) -> tuple[int, int]:
            assert len(header) == 64
            return validity, 1 | 2 if validity else 0

        def deserialize_cuda_engine(self, data: bytes) -> FakeEngine | None:
            if data.startswith(b"junk"):
                self._logger.log(_Logger.ERROR, "magic tag does not match")
                return None
            if not cuda.is_current:
                self._logger.log(_Logger.ERROR, "injected: there is no context")
                return None
            engines.append(FakeEngine(data, cuda, self._logger, rtx=name == "tensorrt_rtx"))
            return engines[-1]

    module = SimpleNamespace(
        __version__=version,
        ILogger=_Logger,
        Runtime=Runtime,
        TensorIOMode=SimpleNamespace(INPUT="in", OUTPUT="out"),
        EngineValidity=SimpleNamespace(INVALID=2),
        EngineInvalidityDiagnostics=SimpleNamespace(
            __members__={"VERSION_MISMATCH": 1, "UNSUPPORTED_CC": 2, "CUDA_ERROR": 64}
        ),
    )
    strategies = {"STATIC": "static", "USER_MANAGED": "user managed"}
    module.ExecutionContextAllocationStrategy = SimpleNamespace(**strategies)
    if name == "tensorrt_rtx":
        kinds = SimpleNamespace(LAZY="lazy", EAGER="eager", NONE="none")
        module.DynamicShapesKernelSpecializationStrategy = kinds
        graphs = SimpleNamespace(DISABLED="disabled", WHOLE_GRAPH_CAPTURE="whole graph")
        module.CudaGraphStrategy = graphs
        known = {"NONE": 0, "CURRENT": 1, "SM75": 75, "SM86": 86, "SM120": 120}
        module.ComputeCapability = SimpleNamespace(__members__=known)
    numbers = tuple(int(part) for part in version.split("."))
    features: Features = features_of(name, numbers)
    return Library(PRODUCTS[name], module, version, features), engines


_EMULATION = """
#include <cmath>
struct Index { int x, y; };
static Index blockIdx, blockDim, threadIdx;
#define __device__
#define __global__
#define __float2int_rn(value) static_cast<int>(std::nearbyintf(value))
using std::isfinite;
#include "PIXELS"
template <typename Kernel>
static void over(int grid_x, int grid_y, int block_x, int block_y, Kernel kernel) {
  blockDim = {block_x, block_y};
  for (int i = 0; i < grid_x * grid_y; ++i) {
    for (int j = 0; j < block_x * block_y; ++j) {
      blockIdx = {i % grid_x, i / grid_x};
      threadIdx = {j % block_x, j / block_x};
      kernel();
    }
  }
}
extern "C" void run_to_input(int gx, int gy, int bx, int by, unsigned char const* pixels,
                             unsigned char const* hole, float* image, float* mask, int h, int w,
                             int ph, int pw, int first) {
  over(gx, gy, bx, by, [=] { to_input(pixels, hole, image, mask, h, w, ph, pw, first); });
}
extern "C" void run_to_pixels(int gx, int gy, int bx, int by, float const* output,
                              unsigned char const* pixels, unsigned char const* hole,
                              unsigned char* result, int* broken, int h, int w, int ph, int pw,
                              int first) {
  over(gx, gy, bx, by,
       [=] { to_pixels(output, pixels, hole, result, broken, h, w, ph, pw, first); });
}
"""


def compile_kernels(source: Path, folder: Path) -> dict[str, Callable[..., None]]:
    """The kernels of ``pixels.cu`` as a C++ compiler makes them, one thread after another."""
    program = folder / "pixels.cpp"
    program.write_text(_EMULATION.replace("PIXELS", str(source)))
    library = folder / "pixels.so"
    compiler = os.environ.get("CXX", "c++")
    command = [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-o", library, program]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))

    def kernel(name: str) -> Callable[..., None]:
        function = loaded[f"run_{name}"]

        def run(grid: tuple[int, int], block: tuple[int, int], arguments: Sequence[Any]) -> None:
            function(*grid, *block, *(kind(value) for value, kind in arguments))

        return run

    return {name: kernel(name) for name in ("to_input", "to_pixels")}
