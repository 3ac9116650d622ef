"""``inpaint-sdk detect``: where a picture is damaged, as a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.cli.jobs import Job, check_failures, list_pictures, make_folder
from inpaint_sdk.cli.options import (
    Loading,
    with_detector,
    with_loading,
    with_options,
    with_overwrite_input,
)
from inpaint_sdk.cli.overlay import colour_names, draw_overlay
from inpaint_sdk.detector import Detector
from inpaint_sdk.errors import OptionError, OutputError, error_line
from inpaint_sdk.images.decoding import ImageFile, read_image_file
from inpaint_sdk.images.files import write_image_file
from inpaint_sdk.images.image import Image
from inpaint_sdk.images.metadata import Metadata
from inpaint_sdk.options import Options
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.runners.detect import Detection, Probability, sought_kinds


@dataclass
class Count:
    """Pictures and pixels with a kind of damage, or with any."""

    pictures: int = 0
    pixels: int = 0

    def add(self, pixels: int) -> None:
        """Counts one more picture."""
        self.pictures += pixels > 0
        self.pixels += pixels


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--probability", is_flag=True, help="Write the probability of damage, 255 for 1.")
@click.option("--overlay", is_flag=True, help="Write the picture with found damage in colour.")
@with_options("kinds", "threshold", "min_mean_probability", "memory_mb")
@with_detector
@with_loading
@with_overwrite_input
def detect(
    image: Path,
    output: Path,
    probability: bool,
    overlay: bool,
    options: Options,
    detector: str,
    loading: Loading,
    overwrite_input: bool,
) -> None:
    """Find the damage in IMAGE and write it as a mask: white is damaged.

    The mask is what `inpaint-sdk restore --mask` takes, and can be corrected by hand before. IMAGE
    may be a folder; --output is then a folder, which is made if need be, and gets a PNG for each
    picture. A file that cannot be read is reported and skipped; the exit code is then 1, or 2 if
    nothing was done.
    """
    if probability and overlay:
        raise OptionError("give --probability or --overlay, not both")
    if image.is_dir():
        jobs = _list_jobs(image, output)
        make_folder(output)
    else:
        jobs = [Job(image, output)]
    for job in jobs:
        job.check(overwrite_input)
    finder = Detector.load(detector, options=options, **loading)
    kinds = sought_kinds(finder.model.kinds, options, finder.model.name)

    if overlay:
        names = colour_names(finder.model.kinds)
        click.echo("colours: " + ", ".join(f"{kind} is {names[kind]}" for kind in kinds))

    def work(job: Job) -> tuple[Job, Detection | Exception]:
        try:
            pixels = read_image_file(job.image).pixels
            found = finder.detect(Image(pixels, "rgb"))
            if overlay:
                drawn = draw_overlay(pixels, found)
            else:
                drawn = to_grey(found.probability()) if probability else found.mask
            write_image_file(job.output, ImageFile(drawn, Metadata()))
            return job, found
        except Exception as error:  # no file may end a folder
            return job, error

    failed, total = 0, 0
    counts = {kind: Count() for kind in kinds}
    for job, found in prefetch_map(work, jobs, ahead=2):
        if isinstance(found, Exception):
            if not image.is_dir():
                raise found
            failed += 1
            click.echo(f"skipped {job.image}: {error_line(found)}")
            continue
        pixels = {kind: int(np.count_nonzero(found.kind_mask(kind))) for kind in kinds}
        total += found.mask.size
        for kind, count in counts.items():
            count.add(pixels[kind])
        click.echo(f"{job.image}: {_describe(pixels, found.mask.size)}")
    looked_at = len(jobs) - failed
    if image.is_dir() and total:
        for kind, count in counts.items():
            share = f"{100.0 * count.pixels / total:.2f} % of the pixels"
            click.echo(f"{kind}: in {count.pictures} of {looked_at} pictures, {share}")
    check_failures(failed, len(jobs), "looked at")


def to_grey(probability: Probability) -> NDArray[np.uint8]:
    """From 0 to 1 to uint8, 255 for 1."""
    grey: NDArray[np.uint8] = np.rint(probability * np.float32(255.0)).astype(np.uint8)
    return grey


def _describe(pixels: Mapping[str, int], size: int) -> str:
    """What was found, by kind if there are several, as shares of ``size`` pixels."""
    total = sum(pixels.values())
    if not total:
        return "no damage was found"
    by_kind = ", ".join(f"{kind} {100.0 * n / size:.2f} %" for kind, n in pixels.items() if n)
    share = f"{100.0 * total / size:.2f} % of it is damaged"
    return f"{share} ({by_kind})" if len(pixels) > 1 else share


def _list_jobs(images: Path, output: Path) -> list[Job]:
    """Each picture of a folder and the PNG for it."""
    taken: dict[str, Path] = {}
    for path in list_pictures(images):
        if path.stem in taken:
            raise OutputError(f"{path} and {taken[path.stem]} would have one mask; rename one")
        taken[path.stem] = path
    return [Job(path, output / f"{stem}.png") for stem, path in taken.items()]
