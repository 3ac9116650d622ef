"""Image files' names, and writing results so that they appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TypeVar

from inpaint_sdk.errors import InpaintError, MaskError, OutputError

AnyPath = TypeVar("AnyPath", bound=PurePath)

FORMATS = {".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
FORMATS |= dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG")
"""PIL's names of the formats of pictures that are both read and written, by their suffixes."""

SUFFIXES = frozenset(FORMATS)
"""Suffixes by which a folder's pictures are taken."""


def is_picture(path: PurePath) -> bool:
    """Whether a folder's file is taken for a picture, by its name."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def match_masks(files: Iterable[AnyPath], folder: object) -> Callable[[PurePath], AnyPath]:
    """Gives each picture the mask with its name.

    Suffixes may differ, and the case of letters where no name is the same. Of a picture with no
    mask or several a ``MaskError`` tells. files: those of the folder with masks.
    """
    named: dict[str, list[AnyPath]] = {}
    for path in files:
        if path.suffix.lower() in SUFFIXES | {".gif"} and not path.name.startswith("."):
            named.setdefault(path.stem.casefold(), []).append(path)

    def find(picture: PurePath) -> AnyPath:
        found = named.get(picture.stem.casefold(), [])
        found = [path for path in found if path.stem == picture.stem] or found
        if len(found) != 1:
            problem = "no mask" if not found else f"{len(found)} masks"
            raise MaskError(
                f"there is {problem} named {picture.stem} in {folder}; there must be one"
            )
        return found[0]

    return find


def resolve_links(path: Path) -> Path:
    """The absolute path that symbolic links lead to, which need not be there.

    Raises ``OSError`` for a link in a circle; ``Path.resolve`` does so before Python 3.13 alone,
    and with another error.
    """
    resolved = Path(os.path.realpath(path))
    if resolved.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return resolved


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, with its suffix; rename it to ``path`` at the end.

    A file that is replaced keeps its permissions, as if it had been written into: a private result
    stays private; of a symbolic link, what it points at is replaced. After an exception there is no
    new file, and what was at ``path`` is still there. What the body raises passes as it is, so what
    it writes with belongs in :func:`writing`.

    Raises:
        OutputError: the file cannot be made or renamed.
    """
    with writing(path):
        path = resolve_links(path) if path.is_symlink() else path
        partial = path.with_name(f".{path.stem[:32]}.{secrets.token_hex(6)}{path.suffix[-16:]}")
        if path.is_dir():
            raise OutputError(f"{path} is a folder; give the name of a file")
        mode = path.stat().st_mode & 0o777 if path.exists() else None
        # Of a new file the kernel takes the umask off, which only all threads together have.
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
        file = os.open(partial, flags, 0o666 if mode is None else mode | 0o200)
    try:
        with writing(path):
            os.close(file)
        yield partial
        with writing(path):
            # A rename may reach the disk before the content does: a crash would leave it empty.
            with partial.open("rb+") as whole:
                os.fsync(whole)
            if mode is not None:
                partial.chmod(mode)
            partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Raise what goes wrong with writing ``path`` as ``OutputError``.

    errors: what counts as such beside ``OSError`` and ``ValueError``.
    """
    caught: tuple[type[Exception], ...] = (OSError, ValueError, *errors)
    try:
        yield
    except InpaintError:
        raise
    except caught as error:
        # The name in the error would be the partial file's.
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {path}: {reason}") from error


def write_whole(data: bytes, path: Path) -> None:
    """Write a file that appears, by rename, when it is whole; raises ``OutputError``."""
    with atomic_write(path) as partial, writing(path):
        partial.write_bytes(data)


def image_format(path: PurePath) -> str:
    """PIL's name of the format of a path's suffix; raises ``OutputError`` if there is none."""
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        told = f"no picture format that is written has the suffix {path.suffix!r}"
        raise OutputError(f"{path}: {told}; use .png, .jpg, .webp, .tif or .bmp")
    return kind
