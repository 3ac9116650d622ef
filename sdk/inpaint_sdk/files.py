"""Writing results so that they appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpaint_sdk.errors import OutputError

if TYPE_CHECKING:
    from PIL import Image as PILImage

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
"""By which files in a folder are taken for pictures."""

QUALITY: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}
"""What each lossy format is written with: close to what was restored, or exactly it."""

NO_ALPHA = {"JPEG", "BMP"}


def save_picture(picture: PILImage.Image, path: Path) -> None:
    """Writes a picture in the format of the path's suffix, by atomic rename.

    The colour profile and EXIF data that the picture carries are written with it.

    Raises:
        OutputError: the suffix is unknown, the format cannot hold the picture, or the
            folder cannot be written. Whatever was at ``path`` is then still there.
    """
    kind = picture_format(path)
    if picture.mode in ("RGBA", "LA") and kind in NO_ALPHA:
        raise OutputError(f"{path}: {kind} has no alpha channel; write a PNG, TIFF or WebP file")
    options = dict(QUALITY.get(kind, {}))
    for name in ("icc_profile", "exif"):
        if picture.info.get(name):
            options[name] = picture.info[name]
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OutputError(f"cannot write in {path.parent}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            picture.save(file, format=kind, **options)
        Path(partial).chmod(0o666 & ~_umask())  # mkstemp's files are private
        Path(partial).replace(path)
    except BaseException as error:
        Path(partial).unlink(missing_ok=True)
        if isinstance(error, (OSError, ValueError)):
            raise OutputError(f"cannot write {path}: {error}") from error
        raise


def picture_format(path: Path) -> str:
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
