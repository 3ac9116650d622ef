"""A GPU and a TensorRT that are not there, made so that wrong use of them shows.

Work that is queued on a stream runs when the stream is waited for, as late as a GPU may run it, and
memory is real, so results are only right if every copy and every wait is where it must be. What is
allocated is counted. The engine runs the model file in ONNX Runtime.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from inpaint_sdk.backends.tensorrt.cuda import Device
from inpaint_sdk.backends.tensorrt.library import PRODUCTS, Features, Library, features_of
from inpaint_sdk.errors import BackendError

DEVICE = Device("NVIDIA Fake 3000", "sm_86")
POISON = 0xA5
"""What new memory is full of: as floats, small numbers that give no picture."""


class FakeCuda:
    """Has the methods of ``inpaint_sdk.backends.tensorrt.cuda.Cuda``."""

    def __init__(self, kernels: dict[str, Callable[..., None]] | None = None) -> None:
        self.calls: list[str] = []
        self.fail_at: str | None = None
        self.memory: dict[int, tuple[str, Any]] = {}
        self.streams: dict[int, list[Callable[[], None]]] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.modules: set[int] = set()
        self.capturing: dict[int, list[Callable[[], None]]] = {}
        self.copied: dict[str, int] = defaultdict(int)
        self._kernels = kernels or {}
        self._threads: dict[int, int] = {}
        self._handles = itertools.count(1000)

    def device(self) -> Device:
        return DEVICE

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
        assert capability == DEVICE.capability
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
        for value, kind in arguments:
            if kind is ctypes.c_void_p and value:
                self._owned(int(value), 1, "device")
        run = self._kernels[self._names[kernel]]
        self._queue(stream, lambda: run(grid, block, arguments))

    # --- for tests and the fake engine ---

    @property
    def leaked(self) -> list[object]:
        """Everything that was not given back."""
        return [*self.memory, *self.streams, *self.graphs, *self.modules]

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
        buffer = (ctypes.c_ubyte * size)(*([POISON] * min(size, 64)))
        pointer = ctypes.addressof(buffer)
        self.memory[pointer] = (side, buffer)
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
        (self.capturing.get(stream, self.streams[stream])).append(work)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fail_at:
            raise BackendError(f"CUDA failed: {name}: injected")


class _Logger:
    ERROR, INTERNAL_ERROR, WARNING = 1, 0, 2

    def __init__(self) -> None:
        pass

    def log(self, severity: int, message: str) -> None:
        raise NotImplementedError


class FakeContext:
    """Has the methods of ``IExecutionContext`` that the session calls."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}
        self._shape_is_new = True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shapes[name] = tuple(shape)
        self._shape_is_new = True
        return self._engine.refuse != "shape"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        batch, _, height, width = self._shapes["image"]
        return (batch, 1 if name == "attention" else 3, height, width)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def is_stream_capturable(self, stream: int) -> bool:
        return self._engine.capturable

    def execute_async_v3(self, stream: int) -> bool:
        engine = self._engine
        capturing = stream in engine.cuda.capturing
        if engine.refuse == "run" or (engine.refuse == "capture" and capturing):
            engine.logger.log(_Logger.ERROR, "injected failure")
            return False
        if capturing:
            assert not self._shape_is_new, "captured before it ran once with this shape"
        self._shape_is_new = False
        addresses, shapes = dict(self._addresses), dict(self._shapes)

        def work() -> None:
            inputs = {n: engine.cuda.array(addresses[n], shapes[n]) for n in engine.inputs}
            for name, value in zip(
                engine.outputs, engine.session.run(list(engine.outputs), inputs), strict=True
            ):
                engine.cuda.array(addresses[name], value.shape)[...] = value

        engine.cuda._queue(stream, work)
        return True


class FakeEngine:
    """Has the methods of ``ICudaEngine`` that the session calls.

    refuse: what fails: "shape", "run", "capture" or "context".
    """

    def __init__(self, model: bytes, cuda: FakeCuda, logger: Any) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = tuple(value.name for value in self.session.get_inputs())
        self.outputs = tuple(value.name for value in self.session.get_outputs())
        self.cuda = cuda
        self.logger = logger
        self.refuse = ""
        self.capturable = True
        self.contexts = 0
        self.num_io_tensors = len(self.inputs) + len(self.outputs)

    def get_tensor_name(self, index: int) -> str:
        return (*self.inputs, *self.outputs)[index]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name in self.inputs else "out"

    def create_execution_context(self) -> FakeContext | None:
        self.contexts += 1
        return None if self.refuse == "context" else FakeContext(self)


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
            engines.append(FakeEngine(data, cuda, self._logger))
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
