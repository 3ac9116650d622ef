"""What a backend provides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.models.file import ModelFile

if TYPE_CHECKING:
    from inpaint_sdk.backends.tensorrt.progress import Progress
    from inpaint_sdk.engines.file import EngineFile
    from inpaint_sdk.engines.profile import Shapes
    from inpaint_sdk.images.image import Channels, Pixels
    from inpaint_sdk.images.masks import Mask

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


@runtime_checkable
class PixelSession(Session, Protocol):
    """A session that goes from pixels to pixels on its own device, where they cross a bus."""

    def run_pixels(
        self, pixels: Pixels, hole: Mask | None, *, channels: Channels, multiple: int
    ) -> Pixels:
        """Restores uint8 [H, W, 3] where ``hole`` is nonzero, or everywhere if it is None.

        Padding to ``multiple``, conversion, rounding and composition are those of
        ``inpaint_sdk.images.tensors`` and ``inpaint_sdk.runners.inpaint``.
        """


def goes_from_pixels(session: Session, pixels: Pixels) -> TypeGuard[PixelSession]:
    """Whether a session restores such pixels on its own device."""
    return (
        isinstance(session, PixelSession)
        and pixels.dtype == np.uint8
        and pixels.ndim == 3
        and pixels.shape[2] == 3
    )


class Loader(Protocol):
    """A backend, as its ``loader`` module offers it."""

    NAME: str

    def probe(self) -> Probe:
        """Looks for the runtime without loading a model."""

    def load(self, model: ModelFile, threads: int | None) -> Session:
        """Makes a session; ``threads`` is a count, or None for the runtime's own choice."""


@runtime_checkable
class Compiler(Loader, Protocol):
    """A backend that compiles models ahead of time."""

    def load_engine(self, engine: EngineFile) -> Session:
        """Makes a session of an engine that was compiled before."""

    def compile(
        self, model: ModelFile, shapes: Shapes, targets: tuple[str, ...], progress: Progress
    ) -> EngineFile:
        """Builds an engine for GPUs that are named, or for the one here if none is."""
