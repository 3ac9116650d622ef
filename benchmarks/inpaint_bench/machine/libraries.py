"""Versions of what decides a speed, and the revision of the source tree."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "inpaint-sdk",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python",
    "opencv-python-headless",
    "pypatchmatch",
    "scikit-image",
    "tensorrt",
    "tensorrt-rtx-cu13-bindings",
    "torch",
)


def versions() -> dict[str, str | None]:
    """Versions of the libraries that are measured; None for what is not installed."""
    return {name: _version(name) for name in LIBRARIES}


def revision() -> str | None:
    """The commit of the tree that this file is in, with ``+`` if it was changed; None outside git.

    Result files do not count as a change.
    """
    folder = Path(__file__).parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return None
    changed = _git(folder, "status", "--porcelain", "--", ":/", ":!/benchmarks/results")
    return commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
