"""A way through an engine: its context, stream, buffers and CUDA graphs."""

from __future__ import annotations

import logging
import math
import os
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from inpaint_sdk.backends.tensorrt.cuda import Cuda, host_view
from inpaint_sdk.backends.tensorrt.library import Library, Log
from inpaint_sdk.backends.tensorrt.runtime_config import RuntimeConfig
from inpaint_sdk.errors import BackendError

if TYPE_CHECKING:
    import tensorrt_bindings as tensorrt

_log = logging.getLogger(__name__)

ITEM = 4
"""Bytes of a float32."""

Sizes = tuple[int, ...]


@dataclass
class _Block:
    pointer: int
    size: int
    free: Callable[[int], None]


class _Resources:
    """What a context holds of CUDA, given back in one place."""

    def __init__(self, cuda: Cuda) -> None:
        self.cuda = cuda
        self.process = os.getpid()
        self.stream = cuda.make_stream()
        self.blocks: dict[str, _Block] = {}
        self.graphs: dict[Hashable, int] = {}

    def drop_graphs(self) -> None:
        while self.graphs:
            _, graph = self.graphs.popitem()
            self.cuda.drop_graph(graph)

    def release(self) -> None:
        """Gives everything back, whatever fails on the way: a broken device fails every call."""
        if os.getpid() != self.process:  # CUDA does not survive fork(): the parent gives it back
            return
        with suppress(BackendError), self.cuda.current():
            with suppress(BackendError):
                self.cuda.synchronize(self.stream)
            while self.graphs:
                with suppress(BackendError):
                    self.cuda.drop_graph(self.graphs.popitem()[1])
            while self.blocks:
                block = self.blocks.popitem()[1]
                with suppress(BackendError):
                    block.free(block.pointer)
            self.cuda.drop_stream(self.stream)


class ExecutionContext:
    """Buffers only grow, and are used again. A graph is captured when a shape comes a second time.

    Only one thread may use it at a time, inside :meth:`Cuda.current`. It gives back what it holds
    when it is closed or collected.
    """

    def __init__(
        self,
        cuda: Cuda,
        library: Library,
        engine: tensorrt.ICudaEngine,
        config: RuntimeConfig,
        logger: tensorrt.ILogger,
    ) -> None:
        self._library = library
        self._logger = cast(Log, logger)
        context = engine.create_execution_context(config.argument)
        if context is None:
            raise BackendError(
                f"{library.title} cannot make an execution context: "
                f"{self._logger.take_errors() or 'is the device memory full?'}"
            )
        self._context: tensorrt.IExecutionContext = context
        self._cuda = cuda
        self._resources = _Resources(cuda)
        self.close = weakref.finalize(self, self._resources.release)
        self._shapes: dict[str, Sizes] = {}
        self._outputs: dict[str, Sizes] = {}
        self._ran: set[Hashable] = set()
        self._capturable = not library.features.runtime_config  # else it captures by itself

    @property
    def stream(self) -> int:
        """The context's stream."""
        return self._resources.stream

    def is_prepared(self, inputs: Mapping[str, Sizes]) -> bool:
        """Whether the last inputs had these shapes."""
        return inputs == self._shapes

    def prepare(self, inputs: Mapping[str, Sizes], outputs: tuple[str, ...]) -> dict[str, Sizes]:
        """Sets the inputs' shapes and every tensor's address; returns the outputs' shapes."""
        if self.is_prepared(inputs):
            return self._outputs
        # A graph holds the shapes and addresses that it was captured with.
        self._forget()
        for name, sizes in inputs.items():
            if not self._context.set_input_shape(name, sizes):
                raise self._failure(f"refuses {name} of shape {list(sizes)}")
        found = {name: tuple(map(int, self._context.get_tensor_shape(name))) for name in outputs}
        for name, sizes in (*inputs.items(), *found.items()):
            if not self._context.set_tensor_address(
                name, self.device(name, ITEM * math.prod(sizes))
            ):
                raise self._failure(f"refuses the address of {name}")
        self._give_memory()
        self._shapes, self._outputs = dict(inputs), found
        return found

    def _give_memory(self) -> None:
        """Gives the library what these shapes need; by itself it would take the largest ones'."""
        size = self._context.update_device_memory_size_for_shapes()
        if size == 0:
            errors = self._logger.take_errors()
            if errors:
                raise BackendError(f"{self._library.title} cannot prepare the shapes: {errors}")
            return
        self._context.set_device_memory(self.device("activations", size), size)

    def device(self, name: str, size: int) -> int:
        """The device buffer of that name, of at least ``size`` bytes."""
        return self._block(f"device {name}", size, self._cuda.allocate, self._cuda.free)

    def host(self, name: str, sizes: Sizes, dtype: DTypeLike) -> tuple[int, NDArray[Any]]:
        """The page-locked buffer of that name, as an address and as an array."""
        size = math.prod(sizes) * np.dtype(dtype).itemsize
        pointer = self._block(f"host {name}", size, self._cuda.allocate_host, self._cuda.free_host)
        return pointer, np.ndarray(sizes, dtype, host_view(pointer, size))

    def enqueue(self) -> None:
        """Queues the network itself."""
        if not self._context.execute_async_v3(self.stream):
            raise self._failure("failed while running the model")

    def execute(self, key: Hashable, queue: Callable[[], None]) -> None:
        """Queues work, by a graph where the same work was queued before.

        ``key`` stands for everything but the shapes that the work depends on. The first time is
        plain, because a context finishes its preparations for a shape when it runs.
        """
        graph = self._resources.graphs.get(key)
        if graph is None and key in self._ran and self._capturable:
            graph = self._capture(queue)
            if graph is not None:
                self._resources.graphs[key] = graph
        if graph is not None:
            self._cuda.launch_graph(graph, self.stream)
        else:
            queue()
            self._ran.add(key)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Waits at its end for what was queued in it, also where queueing it failed."""
        try:
            yield
        except BaseException:
            with suppress(BackendError):  # of two errors the first says more
                self._cuda.synchronize(self.stream)
            raise
        self._cuda.synchronize(self.stream)

    def _capture(self, queue: Callable[[], None]) -> int | None:
        """Some networks cannot be captured; they are run plainly from then on."""
        try:
            self._cuda.begin_capture(self.stream)
            queue()
            return self._cuda.end_capture(self.stream)
        except BaseException as error:
            self._cuda.abandon_capture(self.stream)  # else nothing runs on the stream any more
            if not isinstance(error, BackendError):
                raise
            _log.warning(
                "%s cannot capture the model as a CUDA graph and runs it plainly, slower: %s",
                self._library.title,
                self._logger.take_errors() or error,
            )
            self._capturable = False
            return None

    def _block(
        self, name: str, size: int, allocate: Callable[[int], int], free: Callable[[int], None]
    ) -> int:
        blocks = self._resources.blocks
        block = blocks.get(name)
        if block is not None and block.size >= size:
            return block.pointer
        self._forget()
        if block is not None:
            del blocks[name]
            block.free(block.pointer)
        pointer = allocate(size)
        blocks[name] = _Block(pointer, size, free)
        return pointer

    def _forget(self) -> None:
        self._resources.drop_graphs()
        self._ran.clear()
        self._shapes, self._outputs = {}, {}

    def _failure(self, what: str) -> BackendError:
        reason = self._logger.take_errors() or "it does not say why"
        return BackendError(f"{self._library.title} {what}: {reason}")
