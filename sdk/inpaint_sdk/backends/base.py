"""What a backend provides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.model_file import ModelFile

Tensor = NDArray[np.float32]


@dataclass(frozen=True)
class Probe:
    """Whether a backend can run here. detail: its version, or the reason and the remedy."""

    available: bool
    detail: str


class Session(Protocol):
    """A loaded model. May be called by several threads at once."""

    @property
    def backend(self) -> str:
        """The backend's name and device, like ``onnxruntime-cpu``."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the network's inputs."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's outputs."""

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Runs the network once, from input tensors by name to output tensors by name."""


class Loader(Protocol):
    """A backend's ``loader`` module."""

    NAME: str

    def probe(self) -> Probe:
        """Looks for the runtime without loading a model."""

    def load(self, model: ModelFile, threads: int | None) -> Session:
        """Makes a session; ``threads`` is a count, or None for the runtime's own choice."""
