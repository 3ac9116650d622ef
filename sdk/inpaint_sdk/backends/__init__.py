"""Backends: each turns a checked model file into a session that runs it.

A backend is one folder with a ``loader`` module that has ``NAME``, ``probe`` and ``load``; adding
one is that folder and a line in ``_LOADERS``.
"""

from __future__ import annotations

from importlib import import_module

from inpaint_sdk.backends.base import Loader, Probe, Session
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.model_file import ModelFile

# In the order in which "auto" tries them. Imported on use: a runtime may be heavy, or absent.
_LOADERS = {"onnxruntime-cpu": "inpaint_sdk.backends.onnxruntime.loader"}


def _loader(name: str) -> Loader:
    loader: Loader = import_module(_LOADERS[name])
    return loader


def probe_backends() -> dict[str, Probe]:
    """Every backend's name, and whether it can run here or why not."""
    return {name: _loader(name).probe() for name in _LOADERS}


def open_session(model: ModelFile, backend: str, threads: int | None) -> Session:
    """Loads a model into the backend of that name, or into the first usable one for ``"auto"``.

    Raises:
        BackendError: no such backend, or it cannot run here. There is no fallback from a backend
            that was asked for by name.
        ModelError: the backend refuses the model.
    """
    session = _choose(backend).load(model, threads)
    expected = {"image", "mask"} if model.info.task == "inpaint" else {"image"}
    if set(session.inputs) != expected or not set(model.info.outputs) <= set(session.outputs):
        raise ModelError(
            f"{model.path}: the network takes {', '.join(session.inputs)} and gives "
            f"{', '.join(session.outputs)}, which is not what a model for the task "
            f"{model.info.task!r} with the outputs {', '.join(model.info.outputs)} does; "
            "export it again"
        )
    return session


def _choose(backend: str) -> Loader:
    if backend == "auto":
        reasons = []
        for name in _LOADERS:
            probe = _loader(name).probe()
            if probe.available:
                return _loader(name)
            reasons.append(f"{name}: {probe.detail}")
        raise BackendError("no backend can run here. " + "; ".join(reasons))
    if backend not in _LOADERS:
        raise BackendError(f"there is no backend {backend!r}; choose auto, {', '.join(_LOADERS)}")
    probe = _loader(backend).probe()
    if not probe.available:
        raise BackendError(f"the backend {backend} cannot run here: {probe.detail}")
    return _loader(backend)


__all__ = ["Probe", "Session", "open_session", "probe_backends"]
