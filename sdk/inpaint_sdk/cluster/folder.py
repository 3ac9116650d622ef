"""A folder of pictures on a cluster, from file to file; goes on where it was interrupted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from inpaint_sdk.cluster.pictures import loader_settings
from inpaint_sdk.cluster.ray import Workers, map_by_actors, require_ray
from inpaint_sdk.cluster.storage import Storage, open_storage
from inpaint_sdk.cluster.worker import PictureRestorer, Restored, failure
from inpaint_sdk.errors import ImageError, MaskError, OutputError
from inpaint_sdk.files import image_format, is_picture, match_masks
from inpaint_sdk.options import Options, check_options
from inpaint_sdk.restorer import StrPath

if TYPE_CHECKING:
    import pyarrow

BLOCK = 16
"""Pictures that an actor takes at once, at least; it looks at as many again when one is lost."""

MOST_BLOCKS = 10_000
"""Into which a folder is parted: Ray keeps account of each."""


@dataclass(frozen=True)
class FileJob:
    """A picture that is to be restored, by the names of its files.

    mask: its mask's, or None to look for damage. written: when a result that is there was written,
    in nanoseconds. error: why it cannot be restored: it has no mask.
    """

    name: str
    mask: str | None = None
    written: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class FolderJobs:
    """What is to be done in a folder.

    finished: number of pictures whose results are there and not outdated. passed_over: names of
    files that are no pictures.
    """

    source: Storage
    target: Storage
    masks: Storage | None
    todo: tuple[FileJob, ...]
    finished: int
    passed_over: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a picture; error: why it could not be restored, else None."""

    name: str
    plan: str | None
    warnings: tuple[str, ...]
    error: str | None


def list_jobs(
    source: str, target: str, masks: str | None = None, *, force: bool = False
) -> FolderJobs:
    """Finds out what is to be done; of files nothing is read but names and dates.

    Args:
        source: the folder of pictures, as a path that each node has, or a URI that pyarrow knows.
        target: the folder for results, likewise; it need not be there.
        masks: one mask's file for all pictures, or a folder with a mask of the same name for each.
        force: finished pictures are to be restored again.

    Raises:
        BackendError: Ray is not installed.
        OptionError: pyarrow does not know a URI.
        ImageError: there is no such folder.
        MaskError: there are no masks.
        OutputError: the target is the source, or the folder with masks.
    """
    require_ray()  # which brings pyarrow
    here, there = open_storage(source), open_storage(target)
    if not here.is_folder():
        raise ImageError(f"there is no folder {source}; on a cluster, a folder is restored")
    find = _MaskFinder(masks)
    if there.is_same(here) or (find.folder is not None and there.is_same(find.folder)):
        raise OutputError(f"{target} is an input; give another folder for the results")
    files, written = here.list_files(), there.list_files()
    todo, finished, others = [], 0, []
    for name, changed in files.items():
        if not is_picture(PurePosixPath(name)):
            others.append(name)
            continue
        job, newest = find(FileJob(name, written=written.get(name)), changed)
        if force or job.error or job.written is None or job.written < newest:
            todo.append(job)
        else:
            finished += 1
    return FolderJobs(here, there, find.folder, tuple(todo), finished, tuple(others))


class _MaskFinder:
    """Gives each picture its mask. folder: where masks are, or None."""

    def __init__(self, place: str | None) -> None:
        self.folder: Storage | None = None
        self._all: str | None = None
        self._changed: dict[str, int] = {}
        if place is None:
            return
        masks = open_storage(place)
        if masks.is_folder():
            self.folder, self._changed = masks, masks.list_files()
        elif (changed := masks.modified()) is not None:
            self.folder, self._all = masks.parent, str(masks.name)
            self._changed = {self._all: changed}
        else:
            raise MaskError(f"there is no file or folder {place}")
        self._find = match_masks(map(PurePosixPath, self._changed), place)

    def __call__(self, job: FileJob, changed: int) -> tuple[FileJob, int]:
        """The job with its mask, or why there is none; and when its sources were changed."""
        if self.folder is None:
            return job, changed
        try:
            mask = self._all or str(self._find(PurePosixPath(job.name)))
        except MaskError as error:
            return FileJob(job.name, error=str(error)), changed
        return FileJob(job.name, mask, job.written), max(changed, self._changed[mask])


def restore_jobs(
    jobs: FolderJobs,
    model: StrPath = "photo",
    options: Options | None = None,
    *,
    page: int | None = None,
    workers: Workers | None = None,
    **loading: Any,
) -> Iterator[Outcome]:
    """Restores a folder's pictures by actors that load the model once; yields what became of each.

    They come in no order. A result is written under a passing name and moved, so that it appears
    whole or not at all; what a lost actor had written is not done again. ``page`` is which of a
    TIFF's pictures; other arguments are those of :func:`inpaint_sdk.cluster.restore_pictures`.

    Raises:
        OutputError: the target cannot be made.
    """
    check_options(options)
    if not jobs.todo:
        return
    workers = workers or Workers()
    passing = jobs.target / f".inpaint-sdk-{secrets.token_hex(6)}"
    made_with = {
        "settings": loader_settings(model, options, workers, loading),
        "places": Places(jobs.source, jobs.target, jobs.masks, passing),
        "page": page,
    }
    dataset = require_ray().data.from_arrow(tables_of(jobs.todo))
    passing.make_folder()
    try:
        for row in map_by_actors(dataset, FileActor, made_with, BLOCK, workers).iter_rows():
            yield Outcome(row["name"], row["plan"], tuple(row["warnings"]), row["error"])
    finally:
        passing.remove_folder()


@dataclass(frozen=True)
class Places:
    """Where an actor reads and writes. passing: the folder for what is not yet whole."""

    source: Storage
    target: Storage
    masks: Storage | None
    passing: Storage


def tables_of(jobs: tuple[FileJob, ...]) -> list[pyarrow.Table]:
    """Jobs as Ray's blocks: what an actor takes at once."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    schema = pa.schema([("name", text), ("mask", text), ("written", number), ("error", text)])
    size = max(BLOCK, -(-len(jobs) // MOST_BLOCKS))
    parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    return [pa.Table.from_pylist(list(map(asdict, part)), schema) for part in parts]


class FileActor:
    """Reads, restores and writes the pictures of a table's jobs."""

    def __init__(self, settings: dict[str, Any], places: Places, page: int | None) -> None:
        self._restorer = PictureRestorer(settings)
        self._places, self._page = places, page

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        text = pa.string()
        schema = pa.schema(
            [("name", text), ("plan", text), ("warnings", pa.list_(text)), ("error", text)]
        )
        jobs = [FileJob(**row) for row in table.to_pylist()]
        return pa.Table.from_pylist([asdict(self._outcome(job)) for job in jobs], schema)

    def _outcome(self, job: FileJob) -> Outcome:
        try:
            done = self._restore(job)
        except Exception as error:
            done = failure(error)
        return Outcome(job.name, done.plan, done.warnings, done.error)

    def _restore(self, job: FileJob) -> Restored:
        if job.error is not None:
            return Restored(None, error=job.error)
        places = self._places
        output = places.target / job.name
        if _second(output.modified()) != _second(job.written):
            return Restored(None, plan="restored before the actor that did it was lost")
        mask = (places.masks / job.mask).read() if places.masks and job.mask else None
        kind = image_format(output.name)
        done = self._restorer.restore((places.source / job.name).read(), mask, kind, self._page)
        if done.data is not None:
            output.write(done.data, places.passing)
        return done


def _second(nanoseconds: int | None) -> int | None:
    """Of a date: some object stores list fractions, and leave them out of a single file's."""
    return None if nanoseconds is None else nanoseconds // 1_000_000_000
