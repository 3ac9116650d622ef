"""Which files a command reads and writes, and what is refused before any work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from inpaint_sdk.errors import ImageError, OutputError
from inpaint_sdk.files import image_format, is_picture, match_masks


@dataclass(frozen=True)
class Job:
    """A picture's file, that of its result, that of its mask if it has one, a TIFF's page."""

    image: Path
    output: Path
    mask: Path | None = None
    page: int | None = None

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


class NothingDone(click.ClickException):
    """Not one picture of a folder came out; some that failed among others are exit code 1."""

    exit_code = 2


def list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, sorted; says what it passes over.

    Raises:
        ImageError: the folder cannot be read.
        NothingDone: there are no pictures in it.
    """
    found: list[str] = []
    others: list[str] = []
    try:
        for path in sorted(folder.iterdir()):
            # No folder, no pipe, but a link that leads nowhere.
            is_file = path.is_file() or not path.exists()
            (found if is_picture(path) and is_file else others).append(path.name)
    except OSError as error:
        raise ImageError(f"cannot read the folder {folder}: {error.strerror}") from error
    hidden = sum(name.startswith(".") for name in others)
    shown = [name for name in others if not name.startswith(".")]
    if hidden:
        click.echo(f"passed over {hidden} hidden files")
    if shown:
        names = ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")
        click.echo(
            f"passed over {len(shown)} that are not pictures of a kind that is written: {names}"
        )
    if not found:
        raise NothingDone(f"there are no pictures in {folder}")
    return [folder / name for name in found]


def check_failures(failed: int, total: int, what: str) -> None:
    """Ends a command in which files failed: with exit code 2 if all did, else with 1."""
    if failed:
        error = NothingDone if failed == total else click.ClickException
        raise error(f"{failed} of the pictures could not be {what}")


def make_folder(folder: Path) -> None:
    """Makes a folder for results if it is not there; raises ``OutputError`` if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error


def mask_finder(masks: Path) -> Callable[[Path], Path]:
    """Gives each picture its mask: the one file, or from a folder as :func:`match_masks` does."""
    if not masks.is_dir():
        return lambda _: masks
    return match_masks(sorted(masks.iterdir()), masks)
