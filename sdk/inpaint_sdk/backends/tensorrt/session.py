"""Runs an engine: from numpy arrays, from tensors on the GPU, or from pixels."""

from __future__ import annotations

import ctypes
import math
import threading
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from inpaint_sdk.backends.base import Tensor
from inpaint_sdk.backends.tensorrt.cuda import Cuda
from inpaint_sdk.backends.tensorrt.device_tensor import DeviceTensor, borrow
from inpaint_sdk.backends.tensorrt.library import Library, Log, make_logger
from inpaint_sdk.backends.tensorrt.thread_context import ITEM, Sizes, ThreadContext
from inpaint_sdk.engines.file import EngineFile
from inpaint_sdk.engines.profile import Shape
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.images.image import Channels, Pixels
from inpaint_sdk.images.masks import Mask

if TYPE_CHECKING:
    import tensorrt_bindings as tensorrt

_KERNELS = ("to_input", "to_pixels")
_BLOCK = (32, 8)


class TensorRTSession:
    """A loaded engine. May be called by several threads at once: each has a context of its own."""

    def __init__(self, library: Library, engine: EngineFile, cuda: Cuda) -> None:
        """Raises ``BackendError`` if the library refuses the engine."""
        self._library = library
        self._cuda = cuda
        self._info = engine.info
        self._logger = make_logger(library)
        self._engine = _deserialize(library, engine, self._logger)
        self.backend = library.product.name
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        mode = library.module.TensorIOMode
        self.inputs = tuple(n for n in names if self._engine.get_tensor_mode(n) == mode.INPUT)
        self.outputs = tuple(n for n in names if self._engine.get_tensor_mode(n) == mode.OUTPUT)
        self._local = threading.local()
        self._lanes: weakref.WeakSet[ThreadContext] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._module = 0
        self._kernels: dict[str, int] = {}

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :class:`inpaint_sdk.backends.base.Session`; batches too large are run in parts."""
        count, most = len(inputs["image"]), self._info.key.shapes.largest.batch
        if count <= most:
            return self._run(inputs)
        parts = [
            self._run({name: value[start : start + most] for name, value in inputs.items()})
            for start in range(0, count, most)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        lane = self._lane()
        arrays = {name: np.ascontiguousarray(inputs[name], np.float32) for name in self.inputs}
        self._check(arrays[name].shape for name in self.inputs)
        # Host buffers come first: growing one makes a lane prepare anew.
        staged = {name: lane.host(name, a.shape, np.float32) for name, a in arrays.items()}
        shapes = lane.prepare({name: a.shape for name, a in arrays.items()}, self.outputs)
        results = {name: lane.host(name, sizes, np.float32) for name, sizes in shapes.items()}
        shapes = lane.prepare({name: a.shape for name, a in arrays.items()}, self.outputs)
        for name, array in arrays.items():
            np.copyto(staged[name][1], array)

        def queue() -> None:
            for name, (pointer, view) in staged.items():
                target = lane.device(name, view.nbytes)
                self._cuda.copy("to_device", target, pointer, view.nbytes, lane.stream)
            lane.enqueue()
            for name, (pointer, view) in results.items():
                source = lane.device(name, view.nbytes)
                self._cuda.copy("to_host", pointer, source, view.nbytes, lane.stream)

        with lane.working():
            lane.execute("host", queue)
        return {name: view.copy() for name, (_, view) in results.items()}

    def run_device(self, inputs: Mapping[str, object]) -> dict[str, DeviceTensor]:
        """Runs the network on tensors that are on the GPU; the outputs stay there.

        inputs: objects with ``__cuda_array_interface__`` or ``__dlpack__``, contiguous float32 of
        the network's input shapes. The outputs are complete when this returns.

        Raises:
            ImageError: an input is of another kind.
            BackendError: a shape is outside what the engine was built for, or CUDA failed.
        """
        lane = self._lane()
        borrowed = {name: borrow(inputs[name], name, lane.stream) for name in self.inputs}
        self._check(borrowed[name].shape for name in self.inputs)
        shapes = lane.prepare({name: b.shape for name, b in borrowed.items()}, self.outputs)
        results = {
            name: DeviceTensor(self._cuda.allocate(ITEM * math.prod(sizes)), sizes, self._cuda.free)
            for name, sizes in shapes.items()
        }
        # When it ends, the inputs may be freed or overwritten by their owner.
        with lane.working():
            for name, tensor in borrowed.items():
                if tensor.stream is not None:
                    self._cuda.order(tensor.stream, lane.stream)
                # Copied, since a graph needs fixed addresses and TensorRT aligned ones.
                size = ITEM * math.prod(tensor.shape)
                target = lane.device(name, size)
                self._cuda.copy("on_device", target, tensor.pointer, size, lane.stream)
            lane.execute("device", lane.enqueue)
            for name, result in results.items():
                target = result.__cuda_array_interface__["data"][0]
                source = lane.device(name, result.nbytes)
                self._cuda.copy("on_device", target, source, result.nbytes, lane.stream)
        return results

    def run_pixels(
        self, pixels: Pixels, hole: Mask | None, *, channels: Channels, multiple: int
    ) -> Pixels:
        """Restores pixels with everything but the copy there and back on the GPU.

        pixels: uint8 [H, W, 3]. hole: uint8 [H, W], nonzero where pixels may change, or None for
        everywhere; a model that takes a mask needs it. multiple: of which the network's sides are.

        Raises:
            ModelError: the network's output is not finite.
            BackendError: the size is outside what the engine was built for, or CUDA failed.
        """
        masked = "mask" in self.inputs
        if masked and hole is None:
            raise BackendError("the model takes a mask, and none was given")
        height, width = pixels.shape[:2]
        padded = (height + -height % multiple, width + -width % multiple)
        sizes: dict[str, Sizes] = {
            name: (1, 1 if name == "mask" else 3, *padded) for name in self.inputs
        }
        self._check(sizes.values())
        lane = self._lane()
        frame = _Frame(self._cuda, lane, pixels, hole)
        lane.prepare(sizes, self.outputs)
        kernels = self._load_kernels()
        first = 0 if channels == "rgb" else 2

        def queue() -> None:
            frame.queue_in()
            mask = lane.device("mask", ITEM * math.prod(padded)) if masked else 0
            image = lane.device("image", ITEM * 3 * math.prod(padded))
            geometry = [(number, ctypes.c_int) for number in (height, width, *padded, first)]
            came = (frame.pixels, frame.hole, image, mask)
            self._launch(kernels["to_input"], padded, came, geometry, lane)
            lane.enqueue()
            output = lane.device("output", ITEM * 3 * math.prod(padded))
            goes = (output, frame.pixels, frame.hole, frame.result, frame.broken)
            self._launch(kernels["to_pixels"], (height, width), goes, geometry, lane)
            frame.queue_out()

        with lane.working():
            lane.execute(("pixels", height, width, hole is None, first), queue)
        return frame.read()

    def close(self) -> None:
        """Gives back every thread's buffers; the session cannot be used after it."""
        for lane in list(self._lanes):
            lane.close()
        with self._lock:
            if self._module:
                self._cuda.drop_module(self._module)
                self._module = 0

    def _launch(
        self,
        kernel: int,
        area: tuple[int, int],
        addresses: tuple[int, ...],
        geometry: list[tuple[int, Any]],
        lane: ThreadContext,
    ) -> None:
        """One thread for each pixel of ``area``, height by width."""
        grid = (-(-area[1] // _BLOCK[0]), -(-area[0] // _BLOCK[1]))
        pointers = [(address, ctypes.c_void_p) for address in addresses]
        self._cuda.launch(kernel, grid, _BLOCK, [*pointers, *geometry], lane.stream)

    def _lane(self) -> ThreadContext:
        lane: ThreadContext | None = getattr(self._local, "lane", None)
        if lane is None:
            lane = ThreadContext(self._cuda, self._library, self._engine, self._logger)
            self._local.lane = lane
            self._lanes.add(lane)
        return lane

    def _load_kernels(self) -> dict[str, int]:
        with self._lock:
            if not self._kernels:
                source = Path(__file__).with_name("pixels.cu").read_text()
                capability = self._cuda.device().capability
                image = self._cuda.compile(source, "pixels.cu", capability)
                self._module, self._kernels = self._cuda.load_kernels(image, _KERNELS)
            return self._kernels

    def _check(self, shapes: Iterable[Sizes]) -> None:
        """Raises ``BackendError`` for a shape that the engine was not built for."""
        limits = self._info.key.shapes
        for sizes in shapes:
            shape = Shape(sizes[0], sizes[2], sizes[3])
            if not limits.holds(shape):
                raise BackendError(
                    f"the engine takes {limits} (batch x height x width), not {shape}. Compile one "
                    "that does: inpaint-sdk compile --shapes"
                )


class _Frame:
    """A picture's way to the GPU and back, through page-locked memory."""

    def __init__(self, cuda: Cuda, lane: ThreadContext, pixels: Pixels, hole: Mask | None) -> None:
        self._cuda = cuda
        self._lane = lane
        self._in = [("pixels", *lane.host("pixels", pixels.shape, np.uint8))]
        np.copyto(self._in[0][2], pixels)
        if hole is not None:
            self._in.append(("hole", *lane.host("hole", hole.shape, np.uint8)))
            np.copyto(self._in[1][2], hole)
        self._out = [
            ("result", *lane.host("result", pixels.shape, np.uint8)),
            ("broken", *lane.host("broken", (1,), np.int32)),
        ]
        self.pixels = lane.device("pixels", pixels.nbytes)
        self.hole = 0 if hole is None else lane.device("hole", hole.nbytes)
        self.result = lane.device("result", pixels.nbytes)
        self.broken = lane.device("broken", ITEM)

    def queue_in(self) -> None:
        for name, pointer, view in self._in:
            target = self._lane.device(name, view.nbytes)
            self._cuda.copy("to_device", target, pointer, view.nbytes, self._lane.stream)
        self._cuda.clear(self.broken, ITEM, self._lane.stream)

    def queue_out(self) -> None:
        for name, pointer, view in self._out:
            source = self._lane.device(name, view.nbytes)
            self._cuda.copy("to_host", pointer, source, view.nbytes, self._lane.stream)

    def read(self) -> Pixels:
        (_, _, result), (_, _, broken) = self._out
        if broken[0]:
            raise ModelError(
                "the model's output is not finite; its file or its precision is at fault"
            )
        return cast(Pixels, result.copy())


def _deserialize(
    library: Library, engine: EngineFile, logger: tensorrt.ILogger
) -> tensorrt.ICudaEngine:
    if TYPE_CHECKING:
        import tensorrt_bindings as trt
    else:
        trt = library.module
    runtime = trt.Runtime(logger)
    refusal = f"{library.title} refuses the engine {engine.path}: "
    if library.features.validity:
        _check_validity(library, runtime, logger, engine, refusal)
    loaded = runtime.deserialize_cuda_engine(engine.data)
    if loaded is None:
        raise BackendError(refusal + (cast(Log, logger).take_errors() or "it does not say why"))
    return loaded


def _check_validity(
    library: Library,
    runtime: tensorrt.Runtime,
    logger: tensorrt.ILogger,
    engine: EngineFile,
    refusal: str,
) -> None:
    """Asks TensorRT for RTX, which says what is wrong more clearly than by loading."""
    asked = cast(Any, runtime)
    validity, reasons = asked.get_engine_validity(engine.data[: asked.engine_header_size])
    if validity == library.module.EngineValidity.INVALID:
        members = library.module.EngineInvalidityDiagnostics.__members__
        named = [name for name, bit in members.items() if int(bit) & int(reasons)]
        diagnosis = ", ".join(named).lower().replace("_", " ")
        told = cast(Log, logger).take_errors()
        raise BackendError(
            refusal + ("; ".join(filter(None, (diagnosis, told))) or "it is invalid")
        )
