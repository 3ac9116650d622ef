"""Restoring a folder: reading, restoring and writing side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

import click
import numpy as np

from inpaint_sdk.cli.jobs import Job, list_pictures, make_folder, mask_finder
from inpaint_sdk.errors import InpaintError, MaskError, error_line
from inpaint_sdk.images.decoding import ImageFile
from inpaint_sdk.images.files import open_image_file, open_pair, write_image_file
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.policies.plan import Plan
from inpaint_sdk.prefetch import prefetch_map

Value = TypeVar("Value")
Made = TypeVar("Made")

MakePlan: TypeAlias = "Callable[[Image, Mask | None], Plan]"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item(Generic[Value]):
    """How far a job has come: what it holds now, or why it failed."""

    job: Job
    value: Value | Exception


@dataclass(frozen=True)
class Report:
    """What is told of a restored picture.

    message: for people, where there is something to say. found: number of damaged pixels, and of
    all, if damage was looked for.
    """

    message: str | None
    found: tuple[int, int] | None


@dataclass
class Tally:
    """A count of what was found in pictures."""

    pictures: int = 0
    undamaged: int = 0
    damaged_pixels: int = 0
    pixels: int = 0

    def add(self, damaged_pixels: int, pixels: int) -> None:
        """Counts one more picture."""
        self.pictures += 1
        self.undamaged += not damaged_pixels
        self.damaged_pixels += damaged_pixels
        self.pixels += pixels

    def __str__(self) -> str:
        share = 100.0 * self.damaged_pixels / max(1, self.pixels)
        return f"{share:.2f} % of the pixels damaged; pictures without damage: {self.undamaged}"


def list_jobs(
    images: Path, masks: Path | None, output: Path, page: int | None = None
) -> Iterator[Item[None]]:
    """One for each picture of a folder, with an error where there is no mask for it."""
    if masks is not None and not masks.exists():
        raise MaskError(f"there is no file or folder {masks}")
    pictures = list_pictures(images)
    find_mask = None if masks is None else mask_finder(masks)
    make_folder(output)
    for picture in pictures:
        job = Job(picture, output / picture.name, page=page)
        try:
            yield Item(replace(job, mask=find_mask(picture)) if find_mask else job, None)
        except MaskError as error:
            yield Item(job, error)


def restore_folder(
    jobs: list[Item[None]], make_plan: MakePlan, *, overwrite_input: bool, force: bool
) -> int:
    """Restores every picture of a folder; returns how many could not be.

    force: restores what is finished too.
    """
    from tqdm import tqdm

    def read(job: Job, _: None) -> tuple[Image, Mask | None]:
        job.check(overwrite_input)
        return open_job(job)

    def restore(_: Job, opened: tuple[Image, Mask | None]) -> tuple[ImageFile, Report]:
        result = make_plan(*opened).run()
        return result.image, _report(result.plan)

    def write(job: Job, restored: tuple[ImageFile, Report]) -> Report:
        write_image_file(job.output, restored[0])
        return restored[1]

    todo = [i for i in jobs if force or isinstance(i.value, Exception) or not i.job.is_finished()]
    opened = prefetch_map(_attempt(read), todo, ahead=2)
    written = prefetch_map(_attempt(write), map(_attempt(restore), opened), ahead=2)
    failed, tally = 0, Tally()
    with tqdm(written, total=len(todo), unit="picture", disable=None) as bar:
        for item in bar:
            report = item.value
            if isinstance(report, Exception):
                failed += 1
                tqdm.write(f"skipped {item.job.image}: {error_line(report)}")
                continue
            if report.message is not None:
                tqdm.write(f"{item.job.image}: {report.message}")
            if report.found is not None:
                tally.add(*report.found)
                bar.set_postfix_str(str(tally))
    done = len(jobs) - len(todo)
    click.echo(f"restored {len(todo) - failed}, finished before {done}, failed {failed}")
    if tally.pictures:
        click.echo(str(tally))
    return failed


def open_job(job: Job) -> tuple[Image, Mask | None]:
    """A job's picture and mask, read."""
    return open_pair((open_image_file(job.image, job.output, job.page), job.mask), "rgb")


def _report(plan: Plan) -> Report:
    if plan.detection is None:
        return Report(None, None)
    mask = plan.detection.mask
    return Report(None if plan.changes else str(plan), (int(np.count_nonzero(mask)), mask.size))


def _attempt(work: Callable[[Job, Value], Made]) -> Callable[[Item[Value]], Item[Made]]:
    """Does work for a job; keeps what it raises, since no file may end a folder."""

    def attempted(item: Item[Value]) -> Item[Made]:
        if isinstance(item.value, Exception):
            return Item(item.job, item.value)
        try:
            return Item(item.job, work(item.job, item.value))
        except Exception as error:
            if not isinstance(error, InpaintError):
                _LOG.exception("%s failed", item.job.image)
            return Item(item.job, error)

    return attempted
