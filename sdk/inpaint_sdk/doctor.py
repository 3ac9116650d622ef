"""What is installed, which backends can run here, and why others cannot."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from inpaint_sdk.backends import probe_backends
from inpaint_sdk.backends.onnxruntime.loader import installed_wheels
from inpaint_sdk.engines.cache import EngineCache
from inpaint_sdk.errors import InpaintError
from inpaint_sdk.models.zoo import list_models
from inpaint_sdk.native import get_library_path

Status = Literal["ok", "missing", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``missing`` is optional; ``problem`` is something to fix."""

    status: Status
    subject: str
    detail: str


def diagnose() -> Iterator[Finding]:
    """Yields what someone who asks for help should be asked for; never raises."""
    for subject, check in _CHECKS.items():
        try:
            yield from check()
        except Exception as error:  # a report that fails helps nobody
            detail = f"cannot be checked: {type(error).__name__}: {error}"
            yield Finding("problem", subject, detail)


def _system() -> Iterator[Finding]:
    machine = f"{platform.system()} {platform.machine()}"
    yield Finding("ok", "python", f"{platform.python_version()} on {machine}")
    for name in ("inpaint-sdk", "numpy", "opencv-python-headless", "pillow"):
        yield _distribution(name)


def _distribution(name: str) -> Finding:
    try:
        return Finding("ok", name, metadata.version(name))
    except metadata.PackageNotFoundError:
        # OpenCV has four wheels with one module; any of them works.
        return Finding("missing", name, "not installed under this name")


def _onnxruntime_wheels() -> Iterator[Finding]:
    wheels = installed_wheels()
    if len(wheels) > 1:
        yield Finding(
            "problem",
            "onnxruntime",
            f"{' and '.join(wheels)} are both installed and overwrite each other, which is "
            "how a GPU is silently not used. Uninstall all of them, then install one",
        )


def _backends() -> Iterator[Finding]:
    probes = probe_backends()
    for name, probe in probes.items():
        yield Finding("ok" if probe.available else "missing", f"backend {name}", probe.detail)
    if not any(probe.available for probe in probes.values()):
        yield Finding("problem", "backends", "none can run here, so no image can be restored")


def _engine_cache() -> Iterator[Finding]:
    try:
        cache = EngineCache()
        entries = cache.entries()
    except (InpaintError, OSError) as error:
        yield Finding("problem", "engine cache", str(error))
        return
    size = sum(entry.size for entry in entries) / 1e6
    damaged = sum(entry.info is None for entry in entries)
    note = f", {damaged} of them damaged (they will be built again)" if damaged else ""
    detail = f"{len(entries)} engines, {size:.0f} MB in {cache.folder}{note}"
    yield Finding("ok", "engine cache", detail)


def _native_library() -> Iterator[Finding]:
    try:
        yield Finding("ok", "scan kernel", str(get_library_path()))
    except InpaintError as error:
        yield Finding("missing", "scan kernel", str(error))


def _models() -> Iterator[Finding]:
    try:
        yield Finding("ok", "models", ", ".join(model.name for model in list_models()))
    except InpaintError as error:
        yield Finding("problem", "models", str(error))


_CHECKS = {
    "python": _system,
    "onnxruntime": _onnxruntime_wheels,
    "backends": _backends,
    "engine cache": _engine_cache,
    "scan kernel": _native_library,
    "models": _models,
}
