"""Backends run the network of a model file.

A backend is one folder with a ``loader`` module that has an object like ``base.Loader`` for each
name; adding one is that folder and a line in ``_LOADERS``.
"""

from __future__ import annotations

import logging
from importlib import import_module

from inpaint_sdk.backends.base import (
    BackendOptions,
    Compiler,
    Loader,
    ParallelSession,
    PixelSession,
    Probe,
    Session,
    goes_from_pixels,
)
from inpaint_sdk.backends.cpu import is_fast_in_int8
from inpaint_sdk.engines.file import EngineFile
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.info import ModelInfo, Precision

_log = logging.getLogger(__name__)

# Imported on use: a runtime may be heavy, or absent.
_LOADERS = {
    "onnxruntime-cpu": ("inpaint_sdk.backends.onnxruntime.loader", "CPU"),
    "onnxruntime-cuda": ("inpaint_sdk.backends.onnxruntime.loader", "CUDA"),
    "tensorrt": ("inpaint_sdk.backends.tensorrt.loader", "TENSORRT"),
    "tensorrt_rtx": ("inpaint_sdk.backends.tensorrt.loader", "TENSORRT_RTX"),
}
_AUTO = {"cpu": "onnxruntime-cpu", "cuda": "onnxruntime-cuda"}
"""What "auto" takes for a kind of device; the CPU if none is asked for."""

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


def open_session(model: ModelFile, options: BackendOptions) -> Session:
    """Loads a model into the backend that is asked for, or that ``"auto"`` chooses.

    Raises:
        BackendError: no such backend, or it cannot run here, or not on that device. There is no
            fallback from what was asked for.
        ModelError: the backend refuses the model.
    """
    name = _choose(options)
    if options.providers is not None:
        from inpaint_sdk.backends.onnxruntime.loader import load_with_providers

        session: Session = load_with_providers(model, options)
    else:
        session = _loader(name).load(model, options)
    if options.backend == "auto":
        _log.info("%s runs on %s, which auto chose", model.info.name, session.backend)
    _check_names(session, model.info, str(model.path))
    return session


def open_engine(engine: EngineFile, options: BackendOptions) -> Session:
    """Loads an engine into the backend that it was compiled for.

    Raises:
        BackendError: another backend or device was asked for, the backend cannot run here, or the
            engine was built for another GPU or version.
    """
    own = engine.info.key.backend
    if options.backend not in ("auto", own):
        raise BackendError(
            f"{engine.path} was compiled for the backend {own}, and {options.backend} was asked for"
        )
    if options.providers is not None:
        raise BackendError(
            f"{engine.path} was compiled for the backend {own}, which has no execution providers; "
            "leave them out"
        )
    compiler = find_compiler(own)
    _check_device(own, options)
    _require(own)
    session = compiler.load_engine(engine)
    _check_names(session, engine.info.model, str(engine.path))
    return session


def fastest_precision(options: BackendOptions) -> Precision | None:
    """What models run fastest in where the options have them run; None if that is not known.

    Raises:
        BackendError: as :func:`open_session` does for the options.
    """
    if options.providers is not None:
        return None
    if _choose(options) != "onnxruntime-cpu":
        return "fp16"
    return "int8" if is_fast_in_int8() else None


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


def _choose(options: BackendOptions) -> str:
    """The name of the backend that the options ask for; raises ``BackendError`` if none does."""
    kind = (options.device or "cpu").partition(":")[0]
    name = _AUTO[kind] if options.backend == "auto" else options.backend
    if name not in _LOADERS:
        raise BackendError(f"there is no backend {name!r}; choose auto, {', '.join(_LOADERS)}")
    _check_device(name, options)
    _require(name)
    return name


def _check_device(backend: str, options: BackendOptions) -> None:
    """Raises ``BackendError`` if a backend does not run on the device that is asked for."""
    if options.device is None:
        return
    if (options.gpu is None) != (backend == "onnxruntime-cpu"):
        where = "a GPU" if options.gpu is None else "the CPU"
        raise BackendError(
            f"the backend {backend} runs on {where}, and device {options.device!r} was asked for. "
            f'For that device, give backend {_AUTO[options.device.partition(":")[0]]!r} or "auto"'
        )
    if options.gpu and backend in COMPILERS:
        raise BackendError(
            f"the backend {backend} runs on the first GPU alone, and device {options.device!r} was "
            f"asked for. Start the process with CUDA_VISIBLE_DEVICES={options.gpu}, which makes "
            'that GPU the first, and leave device at "cuda"'
        )


def _require(backend: str) -> None:
    """Raises ``BackendError`` unless the backend can run here."""
    probe = _loader(backend).probe()
    if not probe.available:
        raise BackendError(f"the backend {backend} cannot run here: {probe.detail}")


__all__ = [
    "COMPILERS",
    "BackendOptions",
    "ParallelSession",
    "PixelSession",
    "Probe",
    "Session",
    "fastest_precision",
    "find_compiler",
    "goes_from_pixels",
    "open_engine",
    "open_session",
    "probe_backends",
]
