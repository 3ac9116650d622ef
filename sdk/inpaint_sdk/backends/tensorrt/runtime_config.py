"""What contexts of an engine are made with."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from inpaint_sdk.backends.tensorrt.cuda import Cuda
from inpaint_sdk.backends.tensorrt.library import Library
from inpaint_sdk.engines.cache import EngineCache
from inpaint_sdk.errors import BackendError, InpaintError

if TYPE_CHECKING:
    import tensorrt_bindings as tensorrt

_log = logging.getLogger(__name__)


class RuntimeConfig:
    """For the contexts of one engine, which get their memory from this package.

    TensorRT for RTX compiles kernels for a shape when it comes, beside running it by slower ones
    that take any shape. It captures CUDA graphs by itself, since only it knows when it is done with
    that. What it compiled is kept on disk for the next process.

    argument: of ``create_execution_context``.
    """

    def __init__(
        self, library: Library, cuda: Cuda, engine: tensorrt.ICudaEngine, digest: str
    ) -> None:
        """``digest`` names the engine among what is kept."""
        self.argument: Any
        trt: Any = library.module
        self._cuda = cuda
        self._digest = digest
        self._process = os.getpid()
        self._kept: bytes | None = None
        self._kernels: Any = None
        strategy = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        if not library.features.runtime_config:
            self.argument = strategy
            return
        config = cast(Any, engine).create_runtime_config()
        config.set_execution_context_allocation_strategy(strategy)
        kinds = trt.DynamicShapesKernelSpecializationStrategy
        config.dynamic_shapes_kernel_specialization_strategy = kinds.LAZY
        config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        self._kernels = config.create_runtime_cache()
        self._kept = EngineCache().read_kernels(digest)
        if self._kept is not None and not self._kernels.deserialize(self._kept):
            _log.info("compiled kernels of another GPU or driver are not used")
        config.set_runtime_cache(self._kernels)
        self.argument = config

    def save(self) -> None:
        """Keeps what was compiled since it was read; never raises."""
        if self._kernels is None or os.getpid() != self._process:
            return
        with suppress(BackendError), self._cuda.current():
            data = bytes(memoryview(self._kernels.serialize()))
            if data == self._kept:
                return
            self._kept = data
            try:
                EngineCache().write_kernels(self._digest, data)
            except InpaintError as error:
                _log.warning("compiled kernels cannot be kept: %s", error)
