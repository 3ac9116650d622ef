"""Runs a model that ONNX Runtime has loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inpaint_sdk.backends.base import Tensor
from inpaint_sdk.errors import BackendError


class OnnxRuntimeSession:
    """Wraps an ``onnxruntime.InferenceSession``, whose ``run`` is safe to share by threads."""

    def __init__(self, session: Any, backend: str) -> None:
        self._session = session
        self.inputs = tuple(value.name for value in session.get_inputs())
        self.outputs = tuple(value.name for value in session.get_outputs())
        self.backend = backend

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        try:
            results = self._session.run(self.outputs, dict(inputs))
        except Exception as error:  # as when loading: no common base class
            raise BackendError(f"ONNX Runtime failed while running the model: {error}") from error
        return dict(zip(self.outputs, results, strict=True))
