"""Folders of any filesystem that pyarrow knows: of this machine, S3, GCS, HDFS and others."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from inpaint_sdk.errors import ImageError, InpaintError, OptionError, OutputError
from inpaint_sdk.files import resolve_links


@dataclass(frozen=True)
class Storage:
    """A place in a filesystem of pyarrow's. Can be pickled, so that actors open it too.

    place: what people are shown of it.
    """

    filesystem: Any
    path: str
    place: str

    def __truediv__(self, name: str) -> Storage:
        return Storage(self.filesystem, f"{self.path}/{name}", f"{self.place.rstrip('/')}/{name}")

    @property
    def name(self) -> PurePosixPath:
        """The last part of its path."""
        return PurePosixPath(PurePosixPath(self.path).name)

    @property
    def parent(self) -> Storage:
        """The folder that it is in."""
        folder = str(PurePosixPath(self.path).parent)
        return Storage(self.filesystem, folder, self.place.rpartition("/")[0])

    def is_same(self, other: Storage) -> bool:
        """Whether both are one place."""
        return bool(self.filesystem.equals(other.filesystem)) and self.path == other.path

    def is_folder(self) -> bool:
        """Whether it is there, and a folder."""
        from pyarrow.fs import FileType

        return bool(self._info().type == FileType.Directory)

    def modified(self) -> int | None:
        """When a file was last written, in nanoseconds; None if there is none."""
        info = self._info()
        return (info.mtime_ns or 0) if info.is_file else None

    def list_files(self) -> dict[str, int]:
        """The names of a folder's files, sorted, and when each was last written."""
        from pyarrow.fs import FileSelector

        with _failing(ImageError, f"cannot read the folder {self.place}"):
            found = self.filesystem.get_file_info(FileSelector(self.path, allow_not_found=True))
        files = ((info.base_name, info.mtime_ns or 0) for info in found if info.is_file)
        return dict(sorted(files))

    def read(self) -> bytes:
        """A file's bytes; raises ``ImageError`` if it cannot be read."""
        failing = _failing(ImageError, f"cannot read {self.place}")
        with failing, self.filesystem.open_input_stream(self.path) as stream:
            return bytes(stream.read())

    def write(self, data: bytes, passing: Storage) -> None:
        """Writes a file whole in the folder ``passing``, and moves it here.

        Raises ``OutputError`` if that fails; there is no new file then.
        """
        partial = passing / f"{secrets.token_hex(6)}{self.name.suffix}"
        with _failing(OutputError, f"cannot write {self.place}"):
            try:
                with self.filesystem.open_output_stream(partial.path) as stream:
                    stream.write(data)
                self.filesystem.move(partial.path, self.path)
            except BaseException:
                with suppress(OSError):
                    self.filesystem.delete_file(partial.path)
                raise

    def make_folder(self) -> None:
        """Makes a folder, and those that it is in; raises ``OutputError`` if it cannot be."""
        with _failing(OutputError, f"cannot make the folder {self.place}"):
            self.filesystem.create_dir(self.path)

    def remove_folder(self) -> None:
        """Removes a folder and all in it, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_dir(self.path)

    def _info(self) -> Any:
        with _failing(ImageError, f"cannot read {self.place}"):
            return self.filesystem.get_file_info(self.path)


def open_storage(place: str) -> Storage:
    """A folder or file by its path, or by a URI like ``s3://bucket/folder``.

    Raises ``OptionError`` for a URI that pyarrow does not know, and for a link in a circle.
    """
    from pyarrow import fs

    if "://" not in place:
        with _failing(OptionError, f"{place} cannot be opened"):
            return Storage(fs.LocalFileSystem(), str(resolve_links(Path(place))), place)
    with _failing(OptionError, f"{place} cannot be opened"):
        filesystem, path = fs.FileSystem.from_uri(place)
    path = path.rstrip("/")
    # Without keys and queries, since messages show it.
    return Storage(filesystem, path, f"{place.partition('://')[0]}://{path}")


@contextmanager
def _failing(kind: type[InpaintError], what: str) -> Iterator[None]:
    """Raises what a filesystem raises as an error of ours; pyarrow's own are such errors too."""
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:
        raise kind(f"{what}: {getattr(error, 'strerror', None) or error}") from error
