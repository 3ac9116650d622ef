"""``inpaint-sdk restore``: a picture, or a folder of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import click

from inpaint_sdk.auto.restorer import Clouds
from inpaint_sdk.cli.options import detection_options
from inpaint_sdk.errors import InpaintError, MaskError, OutputError
from inpaint_sdk.files import SUFFIXES, image_format
from inpaint_sdk.images.jobs import FileJob, OpenedFile
from inpaint_sdk.images.metadata import MetadataWarning
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB, Strategy
from inpaint_sdk.restorer import Restorer
from inpaint_sdk.runners.detector import DetectionOptions
from inpaint_sdk.runners.plans import RestorationPlan


@dataclass(frozen=True)
class Options:
    """How every picture is restored."""

    strategy: Strategy
    memory_mb: int
    detection: DetectionOptions


@dataclass(frozen=True)
class Outcome:
    """How far a job has come: what it holds now, what was done, or why it failed."""

    job: FileJob
    held: OpenedFile | None = None
    plan: RestorationPlan | None = None
    error: InpaintError | None = None


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="Nonzero: restore.  [default: what the detector finds]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--model",
    default="photo",
    show_default=True,
    help="Name, path of a model file, or auto: what each picture needs.",
)
@click.option(
    "--clouds",
    type=click.Choice(["thin", "thick"]),
    help="With --model auto: a satellite's pictures, with such clouds to be removed.",
)
@click.option("--backend", default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads for one picture.")
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy)),
    default="auto",
    show_default=True,
    help="How a large picture is shown to the model.",
)
@click.option(
    "--memory-mb",
    type=int,
    default=DEFAULT_MEMORY_MB,
    show_default=True,
    help="Bounds the model's working memory; decides how a large picture is cut.",
)
@detection_options
@click.option("--overwrite-input", is_flag=True, help="Allow the output to replace an input.")
@click.option("--again", is_flag=True, help="In a folder: restore what is finished, too.")
def restore(
    image: Path,
    mask: Path | None,
    output: Path,
    model: str,
    clouds: Clouds | None,
    backend: str,
    threads: int | None,
    strategy: Strategy,
    memory_mb: int,
    threshold: float,
    min_mean_probability: float,
    dilation: int,
    detector: str,
    overwrite_input: bool,
    again: bool,
) -> None:
    """Restore IMAGE where the mask is nonzero, or without a mask where damage is found.

    A picture in which no damage is found comes out as it is, and the command says so. Models for
    the task "restore", as `inpaint-sdk models` lists them, see the damage themselves: without a
    mask they restore the whole picture, and change only what one marks if it is given.

    IMAGE may be a folder; --mask, if given, is then a folder with a mask of the same name (any
    picture suffix) for each picture, and --output a folder, which is made if need be. Reading,
    restoring and writing go on side by side. An output that is there and newer than its inputs is
    finished and skipped, so an interrupted run goes on where it stopped. A file that cannot be
    restored is reported and skipped, and the exit code is 1 at the end.

    Pictures keep 8 or 16 bits, alpha, colour profile and metadata; what the output's format cannot
    hold is an error, or for metadata a warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", MetadataWarning)
        # Without the file and line that a Python warning names.
        warnings.showwarning = _show_warning
        try:
            options = Options(
                strategy, memory_mb, DetectionOptions(threshold, dilation, min_mean_probability)
            )

            def load() -> Restorer:
                return Restorer.load(
                    model, backend=backend, threads=threads, detector=detector, clouds=clouds
                )

            if image.is_dir():
                jobs = list(_jobs(image, mask, output))
                restorer = load()
                failed = _restore_folder(restorer, jobs, options, overwrite_input, again)
                if failed:
                    raise click.ClickException(f"{failed} of the pictures could not be restored")
            else:
                job = FileJob(image, output, mask)
                _check(job, overwrite_input)
                restored, plan = load().restore_opened(job.read(), **vars(options))
                job.write(restored)
                if plan.detect or len(plan.steps) > 1:
                    click.echo(f"{image}: {plan}")
        except InpaintError as error:
            raise click.ClickException(str(error)) from error


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"warning: {message}", err=True)


def _check(job: FileJob, overwrite_input: bool) -> None:
    """Refuses what can be refused before any work is done."""
    image_format(job.output)
    if not job.output.parent.is_dir():
        raise OutputError(f"there is no folder {job.output.parent} to write in")
    if not overwrite_input and _is_input(job):
        raise OutputError(f"{job.output} is an input; give another --output, or --overwrite-input")


def _is_input(job: FileJob) -> bool:
    sources = (job.image, job.mask)
    return job.output.exists() and any(
        isinstance(source, Path) and source.exists() and job.output.samefile(source)
        for source in sources
    )


def _restore_folder(
    restorer: Restorer, jobs: list[Outcome], options: Options, overwrite_input: bool, again: bool
) -> int:
    """Restores every picture of a folder; returns how many could not be."""
    from tqdm import tqdm

    todo = [start for start in jobs if again or start.error or not _is_finished(start.job)]

    def read(start: Outcome) -> Outcome:
        job = start.job
        if start.error is not None:
            return start
        try:
            _check(job, overwrite_input)
            return Outcome(job, job.read())
        except InpaintError as error:
            return Outcome(job, error=error)

    def run(outcome: Outcome) -> Outcome:
        if outcome.held is None:
            return outcome
        try:
            return Outcome(outcome.job, *restorer.restore_opened(outcome.held, **vars(options)))
        except InpaintError as error:
            return Outcome(outcome.job, error=error)

    def write(outcome: Outcome) -> Outcome:
        try:
            if outcome.held is not None:
                outcome.job.write(outcome.held)
            return Outcome(outcome.job, plan=outcome.plan, error=outcome.error)
        except InpaintError as error:
            return Outcome(outcome.job, error=error)

    failed = 0
    restored = map(run, prefetch_map(read, todo, ahead=2))
    written = prefetch_map(write, restored, ahead=2)
    for outcome in tqdm(written, total=len(todo), unit="picture", disable=None):
        if outcome.error is not None:
            failed += 1
            tqdm.write(f"skipped {outcome.job.image}: {outcome.error}")
        elif outcome.plan is not None and outcome.plan.detect and not outcome.plan.changes:
            tqdm.write(f"{outcome.job.image}: {outcome.plan}")
    finished = len(jobs) - len(todo)
    click.echo(f"restored {len(todo) - failed}, finished before {finished}, failed {failed}")
    return failed


def _is_finished(job: FileJob) -> bool:
    """Whether its output is there, whole since outputs appear whole, and newer than its inputs."""
    if not job.output.exists() or _is_input(job):
        return False
    written = job.output.stat().st_mtime_ns
    sources = (s for s in (job.image, job.mask) if isinstance(s, Path) and s.exists())
    return all(written >= source.stat().st_mtime_ns for source in sources)


def _jobs(images: Path, masks: Path | None, output: Path) -> Iterator[Outcome]:
    """One for each picture of a folder, with an error where there is no mask for it."""
    if masks is not None and not masks.is_dir():
        raise MaskError(f"{images} is a folder, so --mask must be a folder too; {masks} is not")
    pictures = [p for p in sorted(images.iterdir()) if p.suffix.lower() in SUFFIXES]
    if not pictures:
        raise InpaintError(f"there are no pictures in {images}")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {output}: {error.strerror}") from error
    for picture in pictures:
        job = FileJob(picture, output / picture.name, None)
        try:
            yield Outcome(job if masks is None else replace(job, mask=_mask_for(picture, masks)))
        except MaskError as error:
            yield Outcome(job, error=error)


def _mask_for(picture: Path, masks: Path) -> Path:
    """The one mask with the picture's name, whatever its suffix."""
    found = sorted(_masks_named(picture.stem, masks))
    if len(found) != 1:
        problem = "no mask" if not found else f"{len(found)} masks"
        raise MaskError(f"there is {problem} named {picture.stem} in {masks}; there must be one")
    return found[0]


def _masks_named(stem: str, masks: Path) -> Iterator[Path]:
    for suffix in SUFFIXES:
        for candidate in (masks / (stem + suffix), masks / (stem + suffix.upper())):
            if candidate.is_file():
                yield candidate
