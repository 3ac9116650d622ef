"""Models that tests make up: descriptions, sessions, and the pools that hold them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk import Memory, ModelInfo
from inpaint_sdk.backends.base import Session
from inpaint_sdk.backends.pool import LoadedModel, ModelPool

Tensors = Mapping[str, NDArray[np.float32]]


def model_info(**fields: Any) -> ModelInfo:
    """A description of a small mask-free model; ``fields`` as of :class:`ModelInfo`."""
    usual: dict[str, Any] = {
        "name": "made up",
        "family": "cnn",
        "task": "enhance",
        "description": "",
        "precision": "fp32",
        "parameters": 1,
        "size_multiple": 8,
        "trained_size": 64,
        "memory": Memory(bytes_per_pixel=100),
        "licence": "none",
        "training_data": "none",
    }
    if fields.get("task") == "read":
        usual |= {"alphabet": "ab", "outputs": ("log_probability",)}
    if fields.get("task") == "detect":
        usual["kinds"] = ("damage",)
    return ModelInfo(**(usual | fields))


class FakeSession:
    """What a session needs beside ``run``, ``inputs`` and ``outputs``."""

    backend = "test"

    def close(self) -> None:
        """Nothing to give back."""


class FakePool(ModelPool):
    """Gives the models that it was made with by their names, and others as any pool.

    >>> restorer = Restorer("mine", FakePool(LoadedModel(model_info(name="mine"), session)))
    """

    def __init__(self, *models: LoadedModel) -> None:
        super().__init__(threads=1)
        self._given = {model.info.name: model for model in models}

    def get(self, name_or_path: str | os.PathLike[str]) -> LoadedModel:
        return self._given.get(str(name_or_path)) or super().get(name_or_path)


class CountingPool(ModelPool):
    """Counts the runs of each model by its name, in ``runs``, and those that were loaded."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.runs: Counter[str] = Counter()
        self.loads: Counter[str] = Counter()

    def get(self, name_or_path: str | os.PathLike[str]) -> LoadedModel:
        model = super().get(name_or_path)
        return LoadedModel(model.info, _Counted(model, self.runs))

    def _load(self, path: Any) -> LoadedModel:
        model = super()._load(path)
        self.loads[model.info.name] += 1
        return model


class _Counted:
    def __init__(self, model: LoadedModel, runs: Counter[str]) -> None:
        self._name, self._runs = model.info.name, runs
        self._session: Session = model.session
        self.backend = model.session.backend
        self.inputs, self.outputs = model.session.inputs, model.session.outputs

    def run(self, inputs: Tensors) -> Tensors:
        self._runs[self._name] += 1
        return self._session.run(inputs)

    def close(self) -> None:
        self._session.close()
