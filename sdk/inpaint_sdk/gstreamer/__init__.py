"""GStreamer: the element ``inpaintrestore``, and pipelines as sources of frames.

GStreamer's loader for Python plugins runs the Python that it was built with, the system's, and not
that of a virtual environment. :func:`plugin_settings` gives the environment variables with
which that Python finds the element and this installation. Where a virtual environment is activated
the loader's Python takes it for its own and no longer looks where the system has its packages, so
these are named too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from inpaint_sdk.errors import BackendError

LOADER = "libgstpython.so"

INSTALL = (
    "apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base python3-gi python3-gst-1.0 "
    "gir1.2-gst-plugins-base-1.0 gstreamer1.0-python3-plugin-loader"
)


def plugin_settings(loader: Path | None = None) -> dict[str, str]:
    """Environment variables with which GStreamer finds ``inpaintrestore``.

    loader: GStreamer's loader for Python plugins; None looks for it.

    Raises:
        BackendError: there is no loader, or its Python has another version than this one, so that
            it cannot use what is installed here.
    """
    found = loader or next(_loaders(), None)
    if found is None:
        raise BackendError(
            f"GStreamer has no loader for Python plugins ({LOADER}). On Debian: {INSTALL}"
        )
    version = _python_version(found)
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version != ours:
        raise BackendError(
            f"{found} runs Python {version}, and this is Python {ours}: it cannot use what is "
            f"installed here. Make the environment with that Python: python{version} -m venv"
        )
    return {
        "GST_PLUGIN_PATH": str(Path(__file__).parent),
        "PYTHONPATH": ":".join((*_installed_paths(), *_system_packages(version))),
    }


def _loaders() -> Iterator[Path]:
    for folder in ("/usr/lib", "/usr/local/lib", "/usr/lib64"):
        yield from sorted(Path(folder).glob(f"gstreamer-1.0/{LOADER}"))
        yield from sorted(Path(folder).glob(f"*/gstreamer-1.0/{LOADER}"))


def _python_version(loader: Path) -> str:
    """Of the Python library that a loader is linked with, like ``3.11``."""
    found = re.search(rb"libpython(3\.\d+)", loader.read_bytes())
    return found[1].decode() if found else "of an unknown version"


def _system_packages(version: str) -> list[str]:
    """Where the system's Python has GStreamer's bindings; none where it has no such Python."""
    python = shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")
    if python is None:
        return []
    ask = "from importlib.util import find_spec as f; print(f('gi').submodule_search_locations[0])"
    answer = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True)
    return [str(Path(answer.stdout.strip()).parent)] if answer.returncode == 0 else []


def _installed_paths() -> Iterator[str]:
    """Where this Python finds packages, without its own library."""
    own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "scripts")}
    own |= {f"{path}/lib-dynload" for path in own}
    for path in map(str, sys.path):
        if Path(path).is_dir() and path and path not in own:
            yield path
