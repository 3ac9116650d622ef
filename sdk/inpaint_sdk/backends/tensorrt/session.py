"""Runs an engine: from numpy arrays, or from pixels."""

from __future__ import annotations

import ctypes
import math
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends import fork
from inpaint_sdk.backends.base import Tensor, closed, not_after_fork
from inpaint_sdk.backends.tensorrt.cuda import Cuda
from inpaint_sdk.backends.tensorrt.execution_context import ITEM, ExecutionContext, Sizes
from inpaint_sdk.backends.tensorrt.library import Library, Log, make_logger
from inpaint_sdk.backends.tensorrt.runtime_config import RuntimeConfig
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
    """A loaded engine. May be called by several threads at once.

    There are as many contexts as runs were ever going on together. Each run takes one that no other
    has, whichever thread it is in, so that what one thread warmed up serves the next.
    """

    def __init__(self, library: Library, engine: EngineFile, cuda: Cuda) -> None:
        """Raises ``BackendError`` if the library refuses the engine."""
        self._library = library
        self._cuda = cuda
        self._info = engine.info
        self._logger = make_logger(library)
        self._integrated = cuda.device().integrated
        with cuda.current():
            loaded = _deserialize(library, engine, self._logger)
            self._config = RuntimeConfig(library, cuda, loaded, engine.info.digest)
        weakref.finalize(self, self._config.save)
        self._engine: tensorrt.ICudaEngine | None = loaded
        self.backend = library.product.name
        names = [loaded.get_tensor_name(i) for i in range(loaded.num_io_tensors)]
        mode = library.module.TensorIOMode
        self.inputs = tuple(n for n in names if loaded.get_tensor_mode(n) == mode.INPUT)
        self.outputs = tuple(n for n in names if loaded.get_tensor_mode(n) == mode.OUTPUT)
        self._contexts: list[ExecutionContext] = []
        self._idle: list[ExecutionContext] = []  # the last one used comes last
        self._forked = False
        self._runs = 0
        self._changed = threading.Condition()  # guards all of these
        self._module = 0
        self._kernels: dict[str, int] = {}
        self._kernels_lock = threading.Lock()
        fork.watch(self)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :class:`inpaint_sdk.backends.base.Session`; batches too large are run in parts."""
        count, most = len(inputs["image"]), self._info.key.profile.max.batch
        if count <= most:
            return self._run(inputs)
        parts = [
            self._run({name: value[start : start + most] for name, value in inputs.items()})
            for start in range(0, count, most)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        arrays = {name: np.ascontiguousarray(inputs[name], np.float32) for name in self.inputs}
        sizes = {name: a.shape for name, a in arrays.items()}
        self._check(sizes.values())
        with self._running(sizes) as context:
            # Host buffers come first: growing one makes a context prepare anew.
            staged = {name: context.host(name, a.shape, np.float32) for name, a in arrays.items()}
            shapes = context.prepare(sizes, self.outputs)
            results = {name: context.host(name, s, np.float32) for name, s in shapes.items()}
            shapes = context.prepare(sizes, self.outputs)
            for name, array in arrays.items():
                np.copyto(staged[name][1], array)

            def queue() -> None:
                for name, (pointer, view) in staged.items():
                    target = context.device(name, view.nbytes)
                    self._cuda.copy("to_device", target, pointer, view.nbytes, context.stream)
                context.enqueue()
                for name, (pointer, view) in results.items():
                    source = context.device(name, view.nbytes)
                    self._cuda.copy("to_host", pointer, source, view.nbytes, context.stream)

            with context.working():
                context.execute("host", queue)
            return {name: view.copy() for name, (_, view) in results.items()}

    def run_pixels(
        self, pixels: Pixels, mask: Mask | None, *, channels: Channels, multiple: int
    ) -> Pixels:
        """Restores pixels with everything but the copy there and back on the GPU.

        pixels: uint8 [H, W, 3]. mask: uint8 [H, W], nonzero where pixels may change, or None for
        everywhere; a model that takes a mask needs it. multiple: of which the network's sides are.

        Raises:
            ModelError: the network's output is not finite.
            BackendError: the size is outside what the engine was built for, the session was closed,
                or CUDA failed.
        """
        masked = "mask" in self.inputs
        if masked and mask is None:
            raise BackendError("the model takes a mask, and none was given")
        height, width = pixels.shape[:2]
        padded = (height + -height % multiple, width + -width % multiple)
        sizes: dict[str, Sizes] = {
            name: (1, 1 if name == "mask" else 3, *padded) for name in self.inputs
        }
        self._check(sizes.values())
        first = 0 if channels == "rgb" else 2
        geometry = [(number, ctypes.c_int) for number in (height, width, *padded, first)]
        with self._running(sizes) as context:
            frame = _Frame(self._cuda, context, pixels, mask, integrated=self._integrated)
            context.prepare(sizes, self.outputs)
            kernels = self._load_kernels()

            def queue() -> None:
                frame.queue_in()
                network_mask = context.device("mask", ITEM * math.prod(padded)) if masked else 0
                image = context.device("image", ITEM * 3 * math.prod(padded))
                came = (frame.pixels, frame.mask, image, network_mask)
                self._launch(kernels["to_input"], padded, came, geometry, context)
                context.enqueue()
                output = context.device("output", ITEM * 3 * math.prod(padded))
                goes = (output, frame.pixels, frame.mask, frame.result, frame.broken)
                self._launch(kernels["to_pixels"], (height, width), goes, geometry, context)
                frame.queue_out()

            with context.working():
                context.execute(("pixels", height, width, mask is None, first), queue)
            return frame.read()

    def close(self) -> None:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        with self._changed:
            if self._engine is None:
                return
            self._engine = None  # no run begins from here on
            self._changed.wait_for(lambda: self._runs == 0)
            if self._forked:
                return
            self._config.save()
            for context in self._contexts:
                context.close()
            self._contexts, self._idle = [], []
            if self._module:
                with self._cuda.current():
                    self._cuda.drop_module(self._module)
                self._module = 0

    def after_fork(self) -> None:
        """See :class:`inpaint_sdk.backends.fork.Inherited`; nothing of CUDA may be touched."""
        self._forked = True
        self._runs = 0
        self._changed = threading.Condition()
        for value in (self._engine, self._config, *self._contexts):
            fork.abandon(value)

    def _launch(
        self,
        kernel: int,
        area: tuple[int, int],
        addresses: tuple[int, ...],
        geometry: list[tuple[int, Any]],
        context: ExecutionContext,
    ) -> None:
        """One thread for each pixel of ``area``, height by width."""
        grid = (-(-area[1] // _BLOCK[0]), -(-area[0] // _BLOCK[1]))
        pointers = [(address, ctypes.c_void_p) for address in addresses]
        self._cuda.launch(kernel, grid, _BLOCK, [*pointers, *geometry], context.stream)

    @contextmanager
    def _running(self, inputs: Mapping[str, Sizes]) -> Iterator[ExecutionContext]:
        """Lends a context for inputs of these shapes; ``close`` waits until it is given back."""
        with self._changed:
            if self._engine is None:
                raise closed()
            if self._forked:
                raise not_after_fork(self.backend)
            engine = self._engine
            context = self._take_idle(inputs)
            self._runs += 1
        try:
            with self._cuda.current():
                if context is None:
                    context = ExecutionContext(
                        self._cuda, self._library, engine, self._config, self._logger
                    )
                    self._contexts.append(context)
                yield context
        finally:
            with self._changed:
                if context is not None:
                    self._idle.append(context)
                self._runs -= 1
                self._changed.notify_all()

    def _take_idle(self, inputs: Mapping[str, Sizes]) -> ExecutionContext | None:
        """One that last ran these shapes if there is one: another would have to prepare anew."""
        for context in reversed(self._idle):
            if context.is_prepared(inputs):
                self._idle.remove(context)
                return context
        return self._idle.pop() if self._idle else None

    def _load_kernels(self) -> dict[str, int]:
        with self._kernels_lock:
            if not self._kernels:
                source = Path(__file__).with_name("pixels.cu").read_text()
                capability = self._cuda.device().capability
                image = self._cuda.compile(source, "pixels.cu", capability)
                self._module, self._kernels = self._cuda.load_kernels(image, _KERNELS)
            return self._kernels

    def _check(self, shapes: Iterable[Sizes]) -> None:
        """Raises ``BackendError`` for a shape that the engine was not built for."""
        limits = self._info.key.profile
        for sizes in shapes:
            shape = Shape(sizes[0], sizes[2], sizes[3])
            if not limits.holds(shape):
                raise BackendError(
                    f"the engine takes {limits} (batch x height x width), not {shape}. Compile one "
                    "that does: inpaint-sdk compile --shapes"
                )


class _Frame:
    """An image's way to the GPU and back, through page-locked memory.

    An integrated GPU works in that memory itself: its kernels touch each pixel once, and a copy
    would go from one place in the host's memory to another.
    """

    def __init__(
        self,
        cuda: Cuda,
        context: ExecutionContext,
        pixels: Pixels,
        mask: Mask | None,
        *,
        integrated: bool,
    ) -> None:
        self._cuda = cuda
        self._context = context
        self._integrated = integrated
        self._in = [("pixels", *context.host("pixels", pixels.shape, np.uint8))]
        np.copyto(self._in[0][2], pixels)
        if mask is not None:
            self._in.append(("pixel mask", *context.host("pixel mask", mask.shape, np.uint8)))
            np.copyto(self._in[1][2], mask)
        self._out = [
            ("result", *context.host("result", pixels.shape, np.uint8)),
            ("broken", *context.host("broken", (1,), np.int32)),
        ]
        self._out[1][2][0] = 0
        self.pixels = self._address(*self._in[0])
        self.mask = 0 if mask is None else self._address(*self._in[1])
        self.result, self.broken = (self._address(*buffer) for buffer in self._out)

    def _address(self, name: str, pointer: int, view: NDArray[Any]) -> int:
        """Where kernels find a buffer."""
        if self._integrated:
            return self._cuda.device_address(pointer)
        return self._context.device(name, view.nbytes)

    def queue_in(self) -> None:
        if self._integrated:
            return
        for name, pointer, view in self._in:
            target = self._context.device(name, view.nbytes)
            self._cuda.copy("to_device", target, pointer, view.nbytes, self._context.stream)
        self._cuda.clear(self.broken, ITEM, self._context.stream)

    def queue_out(self) -> None:
        if self._integrated:
            return
        for name, pointer, view in self._out:
            source = self._context.device(name, view.nbytes)
            self._cuda.copy("to_host", pointer, source, view.nbytes, self._context.stream)

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
