"""Image files' names, and writing results so that they appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inpaint_sdk.errors import OutputError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
"""By which files in a folder are taken for pictures."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to, of the same suffix; renamed to it at the end.

    After an exception there is no new file, and whatever was at ``path`` is still there.

    Raises:
        OutputError: the folder cannot be written in, or writing failed with an OSError or
            ValueError.
    """
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise OutputError(f"cannot write in {path.parent}: {error.strerror}") from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())  # mkstemp's files are private
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, (OSError, ValueError)):
            raise OutputError(f"cannot write {path}: {error}") from error
        raise


def image_format(path: Path) -> str:
    """PIL's name of the format of a path's suffix; raises ``OutputError`` if there is none."""
    from PIL import Image

    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise OutputError(
            f"{path}: no picture format has the suffix {path.suffix!r}; "
            "use .png, .jpg, .webp or .tif"
        )
    return kind


def _umask() -> int:
    """The process's file-creation mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
