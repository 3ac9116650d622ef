"""``inpaint-sdk restore``: a picture, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from inpaint_sdk.errors import InpaintError, MaskError, OutputError
from inpaint_sdk.files import SUFFIXES, picture_format, save_picture
from inpaint_sdk.restorer import Restorer


class Job(NamedTuple):
    """One picture's files."""

    image: Path
    mask: Path | None
    output: Path


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--mask", type=click.Path(path_type=Path), help="Nonzero: restore.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--model", default="photo", show_default=True, help="Name, or path of a model file.")
@click.option("--backend", default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads for one picture.")
@click.option("--overwrite-input", is_flag=True, help="Allow the output to replace an input.")
def restore(
    image: Path,
    mask: Path | None,
    output: Path,
    model: str,
    backend: str,
    threads: int | None,
    overwrite_input: bool,
) -> None:
    """Restore IMAGE where the mask is nonzero.

    Models for the task "restore", as `inpaint-sdk models` lists them, find the damage themselves:
    they need no mask, and change only what one marks if it is given.

    IMAGE may be a folder; --mask is then a folder with a mask of the same name (any picture suffix)
    for each picture, and --output a folder, which is made if need be. A file that cannot be
    restored is reported and skipped, and the exit code is 1 at the end.
    """
    try:
        if image.is_dir():
            failed = _restore_folder(image, mask, output, overwrite_input, model, backend, threads)
            if failed:
                raise click.ClickException(f"{failed} of the pictures could not be restored")
        else:
            job = Job(image, mask, output)
            _check(job, overwrite_input)
            _restore(job, Restorer.load(model, backend=backend, threads=threads))
    except InpaintError as error:
        raise click.ClickException(str(error)) from error


def _restore(job: Job, restorer: Restorer) -> None:
    save_picture(restorer.restore(job.image, job.mask), job.output)


def _check(job: Job, overwrite_input: bool) -> None:
    """Refuses what can be refused before any work is done."""
    picture_format(job.output)
    if not job.output.parent.is_dir():
        raise OutputError(f"there is no folder {job.output.parent} to write in")
    if overwrite_input or not job.output.exists():
        return
    for source in (job.image, job.mask):
        if source is not None and source.exists() and job.output.samefile(source):
            raise OutputError(
                f"{job.output} is an input; give another --output, or --overwrite-input"
            )


def _restore_folder(
    images: Path,
    masks: Path | None,
    output: Path,
    overwrite_input: bool,
    model: str,
    backend: str,
    threads: int | None,
) -> int:
    """Restores every picture of a folder; returns how many could not be."""
    from tqdm import tqdm

    if masks is not None and not masks.is_dir():
        raise MaskError(f"{images} is a folder, so --mask must be a folder too; {masks} is not")
    pictures = [p for p in sorted(images.iterdir()) if p.suffix.lower() in SUFFIXES]
    if not pictures:
        raise InpaintError(f"there are no pictures in {images}")
    restorer = Restorer.load(model, backend=backend, threads=threads)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {output}: {error.strerror}") from error
    failed = 0
    for picture in tqdm(pictures, unit="picture", disable=None):
        try:
            job = Job(picture, masks and _mask_for(picture, masks), output / picture.name)
            _check(job, overwrite_input)
            _restore(job, restorer)
        except InpaintError as error:
            failed += 1
            tqdm.write(f"skipped {picture}: {error}")
    return failed


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
