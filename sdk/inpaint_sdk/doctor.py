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
    """One line of the report. ``problem`` is something to be mended; ``missing`` is optional."""

    status: Status
    subject: str
    detail: str


def diagnose() -> Iterator[Finding]:
    """Yields what a person who asks for help should be asked for; never raises."""
    machine = f"{platform.system()} {platform.machine()}"
    yield Finding("ok", "python", f"{platform.python_version()} on {machine}")
    for name in ("inpaint-sdk", "numpy", "opencv-python-headless", "pillow"):
        yield _distribution(name)
    yield from _onnxruntime_wheels()
    probes = probe_backends()
    for name, probe in probes.items():
        yield Finding("ok" if probe.available else "missing", f"backend {name}", probe.detail)
    if not any(probe.available for probe in probes.values()):
        yield Finding("problem", "backends", "none can run here, so nothing can be restored")
    yield _engine_cache()
    yield _native_library()
    yield _models()


def _distribution(name: str) -> Finding:
    try:
        return Finding("ok", name, metadata.version(name))
    except metadata.PackageNotFoundError:
        # OpenCV has four wheels with one module; any of them will do.
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


def _engine_cache() -> Finding:
    try:
        cache = EngineCache()
        entries = cache.entries()
    except (InpaintError, OSError) as error:
        return Finding("problem", "engine cache", str(error))
    size = sum(entry.size for entry in entries) / 1e6
    return Finding("ok", "engine cache", f"{len(entries)} engines, {size:.0f} MB in {cache.folder}")


def _native_library() -> Finding:
    try:
        return Finding("ok", "scan kernel", str(get_library_path()))
    except InpaintError as error:
        return Finding("missing", "scan kernel", str(error))


def _models() -> Finding:
    try:
        return Finding("ok", "models", ", ".join(model.name for model in list_models()))
    except InpaintError as error:
        return Finding("problem", "models", str(error))
