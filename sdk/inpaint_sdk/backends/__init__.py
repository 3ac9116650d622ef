"""Backends run the network of a model file.

A backend is one folder with a ``loader`` module that has an object like ``base.Loader`` for each
name; adding one is that folder and a line in ``_LOADERS``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from inpaint_sdk.backends.base import (
    Compiler,
    Loader,
    PixelSession,
    Probe,
    Session,
    goes_from_pixels,
)
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.info import ModelInfo

if TYPE_CHECKING:
    from inpaint_sdk.engines.file import EngineFile

# In the order in which "auto" tries them; those on a GPU must be asked for by name. Imported on
# use: a runtime may be heavy, or absent.
_LOADERS = {
    "onnxruntime-cpu": ("inpaint_sdk.backends.onnxruntime.loader", "CPU"),
    "onnxruntime-cuda": ("inpaint_sdk.backends.onnxruntime.loader", "CUDA"),
    "tensorrt": ("inpaint_sdk.backends.tensorrt.loader", "TENSORRT"),
    "tensorrt_rtx": ("inpaint_sdk.backends.tensorrt.loader", "TENSORRT_RTX"),
}
_AUTO = ("onnxruntime-cpu",)

COMPILERS = ("tensorrt", "tensorrt_rtx")
"""Backends that compile ahead of time."""


def _loader(name: str) -> Loader:
    module, attribute = _LOADERS[name]
    loader: Loader = getattr(import_module(module), attribute)
    return loader


def probe_backends() -> dict[str, Probe]:
    """Every backend's name, and whether it can run here or why not."""
    return {name: _loader(name).probe() for name in _LOADERS}


def find_compiler(name: str) -> Compiler:
    """The backend of that name, which must compile; raises ``BackendError`` otherwise."""
    loader = _loader(name) if name in _LOADERS else None
    if not isinstance(loader, Compiler):
        raise BackendError(f"{name!r} does not compile models; {' and '.join(COMPILERS)} do")
    return loader


def open_session(model: ModelFile, backend: str, threads: int | None) -> Session:
    """Loads a model into the backend of that name, or into the first usable one for ``"auto"``.

    Raises:
        BackendError: no such backend, or it cannot run here. There is no fallback from a backend
            that was asked for by name.
        ModelError: the backend refuses the model.
    """
    session = _choose(backend).load(model, threads)
    _check_names(session, model.info, str(model.path))
    return session


def open_engine(engine: EngineFile, backend: str) -> Session:
    """Loads an engine into the backend that it was compiled for.

    Raises:
        BackendError: another backend was asked for, the backend cannot run here, or the engine was
            built for another GPU or version.
    """
    own = engine.info.key.backend
    if backend not in ("auto", own):
        raise BackendError(
            f"{engine.path} was compiled for the backend {own}, and {backend} was asked for"
        )
    _require(own)
    session = find_compiler(own).load_engine(engine)
    _check_names(session, engine.info.model, str(engine.path))
    return session


def _check_names(session: Session, info: ModelInfo, source: str) -> None:
    """Raises ``ModelError`` unless the network is what its description says."""
    expected = {"image", "mask"} if info.task == "inpaint" else {"image"}
    if set(session.inputs) != expected or not set(info.outputs) <= set(session.outputs):
        raise ModelError(
            f"{source}: the network takes {', '.join(session.inputs)} and gives "
            f"{', '.join(session.outputs)}, which is not what a model for the task "
            f"{info.task!r} with the outputs {', '.join(info.outputs)} does; "
            "export it again"
        )


def _choose(backend: str) -> Loader:
    if backend == "auto":
        reasons = []
        for name in _AUTO:
            probe = _loader(name).probe()
            if probe.available:
                return _loader(name)
            reasons.append(f"{name}: {probe.detail}")
        raise BackendError("no backend can run here. " + "; ".join(reasons))
    _require(backend)
    return _loader(backend)


def _require(backend: str) -> None:
    """Raises ``BackendError`` unless there is such a backend and it can run here."""
    if backend not in _LOADERS:
        raise BackendError(f"there is no backend {backend!r}; choose auto, {', '.join(_LOADERS)}")
    probe = _loader(backend).probe()
    if not probe.available:
        raise BackendError(f"the backend {backend} cannot run here: {probe.detail}")


__all__ = [
    "COMPILERS",
    "PixelSession",
    "Probe",
    "Session",
    "find_compiler",
    "goes_from_pixels",
    "open_engine",
    "open_session",
    "probe_backends",
]
