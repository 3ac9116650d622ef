"""Engines that were built before, kept on disk.

An entry is one engine file, named by its model and by the digest of its key. It is written under
another name and renamed, read whole and checked before it is used, and rebuilt when anything about
it is not as it should be. What goes wrong with the disk is logged as a warning and is never a
failure: an engine that cannot be kept is used all the same.

Whoever can write in the folder can have code run by those who load from it (see ``engines.file``).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from inpaint_sdk.engines.file import (
    EngineFile,
    EngineInfo,
    EngineKey,
    read_engine_file,
    read_engine_info,
    write_engine_file,
)
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.files import write_whole, writing

FOLDER_VARIABLE = "INPAINT_SDK_CACHE"
LIMIT_VARIABLE = "INPAINT_SDK_CACHE_GB"
DEFAULT_LIMIT = 4.0
"""Gigabytes that the entries may take together."""

SUFFIX = ".engine"
KERNELS = ".kernels"
"""What TensorRT for RTX compiled while it ran an engine."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A file in the cache. info: None if it is damaged. size: in bytes. used: time, in seconds."""

    path: Path
    info: EngineInfo | None
    size: int
    used: float


class EngineCache:
    """The cache in one folder; safe to be used by several processes and threads."""

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        """``limit`` is in bytes; both default to what the environment or the system says."""
        self.folder = folder or default_folder()
        self.limit = default_limit() if limit is None else limit

    def path(self, key: EngineKey, name: str) -> Path:
        """Where the engine of this key is kept; ``name`` is the model's, for people to see."""
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:40]
        return self.folder / f"{safe}-{key.digest()[:32]}{SUFFIX}"

    def get(self, key: EngineKey, name: str, build: Callable[[], EngineFile]) -> EngineFile:
        """The engine of this key: the one that is kept, or what ``build`` makes.

        Another process that builds the same engine is waited for.

        Raises:
            InpaintError: what ``build`` raises.
        """
        path = self.path(key, name)
        found = self._read(path, key)
        if found is not None:
            return found
        with self._locked(path) as locked:
            if locked:  # another process may have built it while this one waited
                found = self._read(path, key)
                if found is not None:
                    return found
            engine = build()
            if locked:
                self._store(engine, path)
        return engine

    def entries(self) -> list[Entry]:
        """What is kept, the longest unused first."""
        found = []
        for path in self._files():
            with suppress(OSError):  # another process may have removed it just now
                status = path.stat()
                try:
                    info = read_engine_info(path)
                except ModelError:
                    info = None
                found.append(Entry(path, info, status.st_size, status.st_mtime))
        return sorted(found, key=lambda entry: entry.used)

    def clear(self) -> list[Path]:
        """Removes every entry and what killed builds left; returns what was removed.

        Raises:
            OSError: a file cannot be removed.
        """
        removed = []
        for path in self._files() + self._files(KERNELS) + self._files(".partial"):
            path.unlink(missing_ok=True)
            removed.append(path)
        return removed

    def read_kernels(self, digest: str) -> bytes | None:
        """What was kept of the engine whose data has that digest, or None; never raises."""
        try:
            return self._kernels(digest).read_bytes()
        except OSError:
            return None

    def write_kernels(self, digest: str, data: bytes) -> None:
        """Keeps ``data``, in place of what was kept of the engine.

        Raises:
            OutputError: it cannot be written; what was there still is.
        """
        path = self._kernels(digest)
        with writing(path):
            self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(data, path)

    def _kernels(self, digest: str) -> Path:
        return self.folder / f"{digest[:32]}{KERNELS}"

    def _files(self, suffix: str = SUFFIX) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.name.endswith(suffix))
        except FileNotFoundError:
            return []

    def _read(self, path: Path, key: EngineKey) -> EngineFile | None:
        if not path.exists():
            return None
        try:
            engine = read_engine_file(path)
        except ModelError as error:
            _log.warning("%s. It is built again now", error)
            return None
        if engine.info.key != key:
            _log.warning("%s holds another engine than its name says; it is built again now", path)
            return None
        _log.info("%s is taken from the cache: %s", path.name, engine.info.describe())
        with suppress(OSError):
            os.utime(path)  # so that what was not used for longest goes first
        return engine

    @contextmanager
    def _locked(self, path: Path) -> Iterator[bool]:
        """Holds the entry's lock; gives False, after a warning, where there can be none."""
        from filelock import FileLock

        lock = FileLock(path.with_suffix(".lock"))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except (OSError, NotImplementedError) as error:
            _log.warning(
                "engines cannot be kept in %s, so this one is built anew: %s", self.folder, error
            )
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _store(self, engine: EngineFile, path: Path) -> None:
        # The lock is held, so these are of builds that were killed.
        for partial in self.folder.glob(f".{path.name}.*.partial"):
            with suppress(OSError):
                partial.unlink()
        try:
            write_engine_file(engine, path)
        except OSError as error:
            _log.warning(
                "the engine was built but cannot be kept in %s, so it will be built again next "
                "time: %s",
                self.folder,
                error,
            )
            return
        self._shrink(path)

    def _shrink(self, newest: Path) -> None:
        """Removes the longest unused entries until the rest fit; the newest one always stays."""
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total <= self.limit:
                return
            if entry.path != newest:
                with suppress(OSError):
                    entry.path.unlink()
                    total -= entry.size
                    if entry.info is not None:
                        self._kernels(entry.info.digest).unlink(missing_ok=True)


def default_folder() -> Path:
    """The folder that ``INPAINT_SDK_CACHE`` names, or the user's own for caches."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "inpaint-sdk" / "engines"


def default_limit() -> int:
    """Bytes that ``INPAINT_SDK_CACHE_GB`` allows, or ``DEFAULT_LIMIT``.

    Raises:
        BackendError: the variable is no such number.
    """
    text = os.environ.get(LIMIT_VARIABLE)
    try:
        gigabytes = float(text) if text else DEFAULT_LIMIT
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < 1e6:
        raise BackendError(f"{LIMIT_VARIABLE} is {text!r}; it must be a number of gigabytes")
    return int(gigabytes * 1e9)
