"""Runs a model that ONNX Runtime has loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from inpaint_sdk.backends import fork
from inpaint_sdk.backends.base import Tensor, closed, not_after_fork
from inpaint_sdk.errors import BackendError


class OnnxRuntimeSession:
    """Wraps an ``onnxruntime.InferenceSession``, whose ``run`` is safe to share by threads.

    In a forked process the model is loaded again when it is first run there.
    """

    def __init__(self, load: Callable[[], Any], backend: str, *, survives_fork: bool) -> None:
        """``load`` makes an ``InferenceSession``."""
        self._load = load
        self._lock = threading.Lock()
        self._closed = False
        self._survives_fork = survives_fork
        session = load()
        self._session: Any = session
        self.inputs = tuple(value.name for value in session.get_inputs())
        self.outputs = tuple(value.name for value in session.get_outputs())
        self.backend = backend
        fork.watch(self)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        session = self._session or self._load_again()
        try:
            results = session.run(self.outputs, dict(inputs))
        except Exception as error:  # as when loading: no common base class
            raise BackendError(f"ONNX Runtime failed while running the model: {error}") from error
        return dict(zip(self.outputs, results, strict=True))

    def close(self) -> None:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        with self._lock:
            self._closed = True
            self._session = None  # runs hold it until they end

    def after_fork(self) -> None:
        """See :class:`inpaint_sdk.backends.fork.Inherited`."""
        self._lock = threading.Lock()
        if self._session is not None:
            fork.abandon(self._session)
            self._session = None

    def _load_again(self) -> Any:
        with self._lock:
            if self._closed:
                raise closed()
            if not self._survives_fork:
                raise not_after_fork(self.backend)
            if self._session is None:
                self._session = self._load()
            return self._session
