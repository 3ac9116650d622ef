"""What a backend provides, and how it is chosen."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import BackendError, OptionError
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.info import PrecisionChoice
from inpaint_sdk.options import check_choice

if TYPE_CHECKING:
    from inpaint_sdk.engines.file import EngineFile
    from inpaint_sdk.engines.profile import OptimizationProfile
    from inpaint_sdk.images.image import Channels, Pixels
    from inpaint_sdk.images.masks import Mask

Tensor = NDArray[np.float32]

Provider = str | tuple[str, Mapping[str, Any]]
"""A name that ONNX Runtime knows an execution provider by, alone or with its options."""

MAX_THREADS = 1024


@dataclass(frozen=True)
class BackendOptions:
    """What runs a model, and where.

    backend: a backend's name, or ``"auto"``. device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or None
    for the backend's own choice; with ``"auto"`` it chooses the backend. providers: execution
    providers of ONNX Runtime in the order of preference, instead of a device. threads: CPU threads
    for one run, from 1 to 1024, or None for the runtime's choice. precision: of the models that
    come with the SDK, as far as they come in it; ``"auto"`` takes the fastest that loses next to
    nothing.

    Raises:
        OptionError: ``device``, ``providers``, ``threads`` or ``precision`` is none of these.
        BackendError: they contradict each other.
    """

    backend: str = "auto"
    device: str | None = None
    providers: Sequence[Provider] | None = None
    threads: int | None = None
    precision: PrecisionChoice = "auto"

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, PrecisionChoice)
        if not isinstance(self.backend, str):
            raise OptionError(f"backend is {self.backend!r}; it must be a name, like 'auto'")
        _check_threads(self.threads)
        if self.device is not None and not (
            isinstance(self.device, str) and re.fullmatch(r"cpu|cuda(:\d{1,3})?", self.device)
        ):
            raise OptionError(
                f'device is {reprlib.repr(self.device)}; it must be "cpu", "cuda", "cuda:N" for '
                "the GPU of that number, or None"
            )
        if self.providers is None:
            return
        _check_providers(self.providers)
        if self.device is not None:
            raise BackendError(
                f"device {self.device!r} and providers were both given; providers have a device "
                'of their own, like ("CUDAExecutionProvider", {"device_id": 1}). Leave one out'
            )
        if self.backend != "auto":
            raise BackendError(
                f"backend {self.backend!r} and providers were both given; providers are ONNX "
                'Runtime\'s and name what runs a model by themselves. Leave the backend at "auto", '
                "or leave the providers out"
            )

    @property
    def gpu(self) -> int | None:
        """The GPU's number if the device is one, else None; ``"cuda"`` is the first."""
        if self.device in (None, "cpu"):
            return None
        return int(self.device.partition(":")[2] or 0)


def _check_threads(threads: Any) -> None:
    if threads is None or (type(threads) is int and 1 <= threads <= MAX_THREADS):
        return
    # Python refuses to write integers of thousands of digits.
    huge = type(threads) is int and abs(threads) > 10**9
    shown = "out of range" if huge else reprlib.repr(threads)
    raise OptionError(
        f"threads is {shown}; it must be a whole number from 1 to {MAX_THREADS}, or None for the "
        "runtime's choice"
    )


def _check_providers(providers: Any) -> None:
    """Raises ``OptionError`` unless they are names, or pairs of a name and its options."""
    listed = isinstance(providers, Sequence) and not isinstance(providers, (str, bytes))
    if not (listed and providers and all(map(_is_provider, providers))):
        raise OptionError(
            f"providers is {reprlib.repr(providers)}; it must be a list that is not empty, of "
            'names like "CUDAExecutionProvider" or pairs of a name and its options'
        )


def _is_provider(provider: Any) -> bool:
    pair = isinstance(provider, tuple) and len(provider) == 2
    name, options = provider if pair else (provider, {})
    return isinstance(name, str) and isinstance(options, Mapping)


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
        """Runs the network once, from input tensors by name to output tensors by name.

        Raises:
            BackendError: the session was closed, or the runtime failed.
        """

    def close(self) -> None:
        """Gives back what the model takes, once the runs that other threads are in have ended.

        A run that begins later is an error; closing again does nothing.
        """


@runtime_checkable
class PixelSession(Session, Protocol):
    """A session that goes from pixels to pixels on its own device, where they cross a bus."""

    def run_pixels(
        self, pixels: Pixels, mask: Mask | None, *, channels: Channels, multiple: int
    ) -> Pixels:
        """Restores uint8 [H, W, 3] where ``mask`` is nonzero, or everywhere if it is None.

        Padding to ``multiple``, conversion, rounding and composition are those of
        ``inpaint_sdk.images.tensors`` and of the runner for inpainting.
        """


@runtime_checkable
class ParallelSession(Session, Protocol):
    """A session that can run several inputs at a time, each on a core of its own.

    On small inputs that is faster than one at a time on all cores, which then mostly wait for each
    other.
    """

    @property
    def cores(self) -> int:
        """How many inputs are run at a time."""

    def run_each(self, inputs: Iterable[Mapping[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
        """Yields what :meth:`run` answers to each of the inputs, in order; raises as it does.

        Inputs are taken in the caller's thread, a few ahead of the answers.
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

    def load(self, model: ModelFile, options: BackendOptions) -> Session:
        """Makes a session; the options' backend is this one, or was chosen to be."""


class Progress(Protocol):
    """Follows the nested phases of a compilation, each of a known number of steps."""

    def start(self, phase: str, steps: int, outermost: bool) -> None:
        """A phase begins."""

    def step(self, phase: str) -> None:
        """A step of a phase is done."""

    def finish(self, phase: str) -> None:
        """A phase ends, perhaps before its last step."""


@runtime_checkable
class Compiler(Loader, Protocol):
    """A backend that compiles models ahead of time."""

    def load_engine(self, engine: EngineFile) -> Session:
        """Makes a session of an engine that was compiled before."""

    def compile(
        self,
        model: ModelFile,
        profile: OptimizationProfile,
        targets: tuple[str, ...],
        progress: Progress,
    ) -> EngineFile:
        """Builds an engine for GPUs that are named, or for the one here if none is."""


def closed() -> BackendError:
    """For a run of a session that was closed."""
    return BackendError("the restorer was closed and runs no more; load another")


def not_after_fork(backend: str) -> BackendError:
    """For a run, in a forked process, of a model that its parent put on a GPU."""
    return BackendError(
        f"this process was forked from one that had loaded the model into {backend}, and what is "
        "on a GPU does not survive fork(). Fork before the parent loads a model and load it in the "
        'child, or start processes by "spawn" (multiprocessing.get_context("spawn"))'
    )
