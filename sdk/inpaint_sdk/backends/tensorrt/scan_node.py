"""How DirectionalScan nodes reach TensorRT: by the plugin, or as standard operators.

A model file carries a function for its nodes, made for runtimes that interpret graphs. TensorRT's
parser would expand it even where a plugin is registered (before 10.7), and into a loop that a GPU
runs step by step. So the function is taken out of the bytes that the parser gets, and where there
is no plugin another one is put in: a scan in log2(length) steps, which comes with this package.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inpaint_sdk.errors import BackendError
from inpaint_sdk.models.file import replace_functions
from inpaint_sdk.native import find_library

LENGTHS = tuple(2**k for k in range(4, 13))
"""Longest lines that the functions of this package are made for; a longer one costs more."""

_FUNCTIONS = Path(__file__).parent / "log_step.zip"
_PLUGIN = "libinpaint_tensorrt_plugin.so"


@dataclass(frozen=True)
class Plugin:
    """The plugin library of this installation. digest: its SHA-256."""

    path: Path
    digest: str


@cache
def find_plugin(backend: str) -> Plugin | None:
    """The plugin library for a backend, or None if this installation was built without it.

    It is built against TensorRT's headers, so TensorRT for RTX cannot load it.
    """
    if backend != "tensorrt":
        return None
    path = find_library(_PLUGIN)
    return None if path is None else Plugin(path, hashlib.sha256(path.read_bytes()).hexdigest())


@cache
def log_step_function(longest: int) -> bytes:
    """A serialised ``FunctionProto`` for lines of up to ``longest`` elements.

    Raises:
        BackendError: there is none for lines that long.
    """
    for length in LENGTHS:
        if longest <= length:
            with zipfile.ZipFile(_FUNCTIONS) as functions:
                return functions.read(str(length))
    raise BackendError(
        f"the model scans lines of {longest} elements, more than the {LENGTHS[-1]} that can be "
        "compiled without the DirectionalScan plugin; compile it for smaller shapes, or build the "
        "plugin (kernels/README.md)"
    )


def without_function(model: bytes) -> bytes:
    """The model's bytes as a plugin needs them."""
    return replace_functions(model, ())


def with_log_step(model: bytes, longest: int) -> bytes:
    """The model's bytes with the function for lines of up to ``longest`` elements."""
    return replace_functions(model, (log_step_function(longest),))
