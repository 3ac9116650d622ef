"""The compiled libraries that come with this package."""

from importlib.util import find_spec
from pathlib import Path

from inpaint_sdk.errors import BackendError

_LIBRARY = "libinpaint_ort.so"


def get_library_path() -> Path:
    """The ONNX Runtime custom-op library, for any session's options.

    Examples:
        >>> import onnxruntime
        >>> options = onnxruntime.SessionOptions()
        >>> options.register_custom_ops_library(str(get_library_path()))

    Raises:
        BackendError: this installation was built without it.
    """
    path = find_library(_LIBRARY)
    if path is not None:
        return path
    raise BackendError(
        f"{_LIBRARY} is not in this installation. Models still run, slower, without it. To build "
        "it, run `pip install .` or `pip install -e .` in a checkout of inpaint-sdk; that needs a "
        "C++17 compiler."
    )


def find_library(name: str) -> Path | None:
    """Where the library of that name is, or None if this installation was built without it."""
    # An editable install has two folders on the path: the sources' and the one built into.
    spec = find_spec(__package__)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "lib" / name
        if path.is_file():
            return path
    return None
