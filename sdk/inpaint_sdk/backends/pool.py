"""Models that are loaded once and shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from inpaint_sdk.backends import fastest_precision, fork, open_engine, open_session
from inpaint_sdk.backends.base import BackendOptions, Provider, Session, closed
from inpaint_sdk.engines.file import is_engine_file, read_engine_file
from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.info import ModelInfo, PrecisionChoice, Task
from inpaint_sdk.models.zoo import find_fastest, find_model


@dataclass(frozen=True)
class LoadedModel:
    """A model in a backend. info: what it says of itself. session: what runs it."""

    info: ModelInfo
    session: Session

    def require_task(self, task: Task, lacks: str, other: str) -> None:
        """Raises ``ModelError`` unless the model is for a task.

        lacks: what a model for another task does not do. other: a model that does it.
        """
        if self.info.task != task:
            raise ModelError(
                f"the model {self.info.name!r} {lacks}: it is for the task {self.info.task!r}; "
                f"{other} does"
            )


@dataclass
class _Slot:
    """Holds one model; its lock is held while the model is loaded."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    model: LoadedModel | None = None


class ModelPool:
    """Loads each model when it is first asked for, once, whichever thread asks.

    Threads that ask for different models do not wait for each other. A forked process loads what
    its parent had loaded again when it runs it; models on a GPU cannot follow, and say so. A pool
    is pickled as its options: what it had loaded is loaded again where it is unpickled.

    >>> from inpaint_sdk.backends.pool import ModelPool
    >>> pool = ModelPool(threads=2)
    >>> pool.get("photo").session.backend
    'onnxruntime-cpu'
    >>> pool.close()
    """

    def __init__(
        self,
        backend: str = "auto",
        *,
        device: str | None = None,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        precision: PrecisionChoice = "auto",
    ) -> None:
        """See :class:`inpaint_sdk.backends.BackendOptions`.

        Raises:
            OptionError: ``device``, ``providers``, ``threads`` or ``precision`` has a value that it
                cannot have.
            BackendError: they contradict each other.
        """
        self._begin(BackendOptions(backend, device, providers, threads, precision))

    def _begin(self, options: BackendOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._slots: dict[Path, _Slot] = {}
        self._closed = False
        fork.watch(self)

    def get(self, name_or_path: str | os.PathLike[str]) -> LoadedModel:
        """The model of that name, or of that model file or engine file, loaded if it is not yet.

        Files are told apart by their content, not by their names. A bundled model that does not
        come in the precision that was asked for is given in fp32.

        Raises:
            ModelError: there is no such model, its file is refused, or the backend refuses it.
            BackendError: the backend is unknown or cannot run here, an engine was built for another
                GPU or version, or the pool was closed.
        """
        path = self._find(name_or_path)
        with self._lock:
            if self._closed:
                raise closed()
            slot = self._slots.setdefault(path, _Slot())
        with slot.lock:
            if self._closed:  # while this one waited
                raise closed()
            if slot.model is None:
                slot.model = self._load(path)
            return slot.model

    @property
    def precision(self) -> PrecisionChoice:
        """What was asked for."""
        return self._options.precision

    def _find(self, name_or_path: str | os.PathLike[str]) -> Path:
        """The file of a model, in the precision that was asked for if it comes in it."""
        precision = self._options.precision
        if precision == "auto":
            return find_fastest(name_or_path, fastest_precision(self._options))
        with suppress(ModelError):
            return find_model(name_or_path, precision)
        return find_model(name_or_path)

    def close(self) -> None:
        """Closes every session, once it is idle; runs that begin later are BackendErrors.

        Closing again does nothing.
        """
        with self._lock:
            self._closed = True
            slots, self._slots = list(self._slots.values()), {}
        for slot in slots:
            with slot.lock:  # of a model that is being loaded, its session is closed then
                if slot.model is not None:
                    slot.model.session.close()

    def _load(self, path: Path) -> LoadedModel:
        if is_engine_file(path):
            engine = read_engine_file(path)
            return LoadedModel(engine.info.model, open_engine(engine, self._options))
        model = read_model_file(path)
        return LoadedModel(model.info, open_session(model, self._options))

    def after_fork(self) -> None:
        """See :class:`inpaint_sdk.backends.fork.Inherited`: threads that held locks are gone."""
        self._lock = threading.Lock()
        self._slots = {path: _Slot(model=slot.model) for path, slot in self._slots.items()}

    def __getstate__(self) -> BackendOptions:
        return self._options

    def __setstate__(self, options: BackendOptions) -> None:
        self._begin(options)
