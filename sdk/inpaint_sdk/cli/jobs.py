"""Which files a command reads and writes, and what is refused before any work is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inpaint_sdk.errors import ImageError, InpaintError, MaskError, OutputError
from inpaint_sdk.files import SUFFIXES, image_format


@dataclass(frozen=True)
class Job:
    """A picture's file, that of its result, and that of its mask if it has one."""

    image: Path
    output: Path
    mask: Path | None = None

    def check(self, overwrite_input: bool) -> None:
        """Raises ``OutputError`` for an output that cannot be written or is an input."""
        image_format(self.output)
        if not self.output.parent.is_dir():
            raise OutputError(f"there is no folder {self.output.parent} to write in")
        if not overwrite_input and self._replaces_input():
            raise OutputError(
                f"{self.output} is an input; give another --output, or --overwrite-input"
            )

    def is_finished(self) -> bool:
        """Whether the output is there (whole, since outputs appear whole) and not outdated."""
        if not self.output.exists() or self._replaces_input():
            return False
        written = self.output.stat().st_mtime_ns
        return all(written >= source.stat().st_mtime_ns for source in self._sources())

    def _replaces_input(self) -> bool:
        return is_one_of(self.output, (self.image, self.mask))

    def _sources(self) -> Iterator[Path]:
        return _existing((self.image, self.mask))


def is_one_of(output: Path, inputs: Iterable[Path | None]) -> bool:
    """Whether an output is there and is the same file as an input; None stands for none."""
    return output.exists() and any(map(output.samefile, _existing(inputs)))


def _existing(paths: Iterable[Path | None]) -> Iterator[Path]:
    return (path for path in paths if path is not None and path.exists())


def list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, sorted; raises ``ImageError`` if there are none."""
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise ImageError(f"cannot read the folder {folder}: {error.strerror}") from error
    if not found:
        raise ImageError(f"there are no pictures in {folder}")
    return found


def make_folder(folder: Path) -> None:
    """Makes a folder for results if it is not there; raises ``OutputError`` if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error


def find_mask(picture: Path, masks: Path) -> Path:
    """The one mask with the picture's name, whatever its suffix.

    Raises:
        MaskError: there is none, or more than one.
    """
    names = (picture.stem + end for suffix in SUFFIXES for end in (suffix, suffix.upper()))
    found = [masks / name for name in names if (masks / name).is_file()]
    if len(found) != 1:
        problem = "no mask" if not found else f"{len(found)} masks"
        raise MaskError(f"there is {problem} named {picture.stem} in {masks}; there must be one")
    return found[0]


def describe(error: Exception) -> str:
    """An error in one line; of one that is no ``InpaintError``, its type too."""
    return str(error) if isinstance(error, InpaintError) else f"{type(error).__name__}: {error}"
