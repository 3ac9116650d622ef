"""Where the compiled scan kernel is."""

from __future__ import annotations

import sys
from pathlib import Path

from inpaint_sdk.errors import BackendError

_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def get_library_path() -> Path:
    """Path of the ONNX Runtime custom-op library, for ``register_custom_ops_library``.

    Raises:
        BackendError: this installation was built without it.
    """
    path = Path(__file__).parent / "lib" / f"libinpaint_scan_ort{_SUFFIX}"
    if not path.is_file():
        raise BackendError(f"the scan kernel {path.name} is not built; models run without it")
    return path
