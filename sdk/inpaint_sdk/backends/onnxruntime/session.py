"""Runs a model that ONNX Runtime has loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from inpaint_sdk.backends import fork
from inpaint_sdk.backends.base import Tensor, closed, not_after_fork
from inpaint_sdk.errors import BackendError
from inpaint_sdk.prefetch import prefetch_map


class OnnxRuntimeSession:
    """Wraps an ``onnxruntime.InferenceSession``, whose ``run`` is safe to share by threads.

    In a forked process the model is loaded again when it is first run there.
    """

    def __init__(
        self, load: Callable[..., Any], backend: str, *, survives_fork: bool, cores: int
    ) -> None:
        """cores: on which inputs can be run side by side.

        ``load`` makes an ``InferenceSession``, with ``threads=1`` one that stays on one core.
        """
        self._load = load
        self.cores = cores
        self._lock = threading.Lock()
        self._closed = False
        self._survives_fork = survives_fork
        session = load()
        self._session: Any = session
        self._on_one_core: Any = None  # loaded when it is first run
        self.inputs = tuple(value.name for value in session.get_inputs())
        self.outputs = tuple(value.name for value in session.get_outputs())
        self.backend = backend
        fork.watch(self)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        return self._run(self._session or self._load_again(), inputs)

    def run_each(self, inputs: Iterable[Mapping[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
        """See :class:`inpaint_sdk.backends.base.ParallelSession`."""
        if self.cores == 1:
            return map(self.run, inputs)
        run = partial(self._run, self._on_one_core or self._load_on_one_core())
        return prefetch_map(run, inputs, ahead=2 * self.cores, workers=self.cores)

    def _run(self, session: Any, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        try:
            results = session.run(self.outputs, dict(inputs))
        except Exception as error:  # as when loading: no common base class
            raise BackendError(f"ONNX Runtime failed while running the model: {error}") from error
        return dict(zip(self.outputs, results, strict=True))

    def close(self) -> None:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        with self._lock:
            self._closed = True
            self._session = self._on_one_core = None  # runs hold them until they end

    def after_fork(self) -> None:
        """See :class:`inpaint_sdk.backends.fork.Inherited`."""
        self._lock = threading.Lock()
        for session in filter(None, (self._session, self._on_one_core)):
            fork.abandon(session)
        self._session = self._on_one_core = None

    def _load_again(self) -> Any:
        with self._lock:
            if self._closed:
                raise closed()
            if not self._survives_fork:
                raise not_after_fork(self.backend)
            if self._session is None:
                self._session = self._load()
            return self._session

    def _load_on_one_core(self) -> Any:
        with self._lock:
            if self._closed:
                raise closed()
            if self._on_one_core is None:
                self._on_one_core = self._load(threads=1)
            return self._on_one_core
