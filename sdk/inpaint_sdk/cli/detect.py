"""``inpaint-sdk detect``: where a picture is damaged, as a mask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.cli.options import finding_options
from inpaint_sdk.errors import InpaintError, OutputError
from inpaint_sdk.files import SUFFIXES, image_format
from inpaint_sdk.images.files import ImageFile, read_image_file, write_image_file
from inpaint_sdk.images.image import check_floats
from inpaint_sdk.images.metadata import Metadata
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB
from inpaint_sdk.runners.detector import Detection, DetectionOptions, LazyDetector


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--probability", is_flag=True, help="Write how probable damage is, 255 for certain.")
@finding_options
@click.option("--backend", default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads for one picture.")
@click.option("--memory-mb", type=int, default=DEFAULT_MEMORY_MB, show_default=True)
@click.option("--overwrite-input", is_flag=True, help="Allow the output to replace an input.")
def detect(
    image: Path,
    output: Path,
    probability: bool,
    threshold: float,
    min_mean_probability: float,
    detector: str,
    backend: str,
    threads: int | None,
    memory_mb: int,
    overwrite_input: bool,
) -> None:
    """Find the damage in IMAGE and write it as a mask: white is damaged.

    The mask is what `inpaint-sdk restore --mask` takes, and can be corrected by hand before. IMAGE
    may be a folder; --output is then a folder, which is made if need be, and gets a PNG for each
    picture. A file that cannot be read is reported and skipped, and the exit code is 1 at the end.
    """
    try:
        options = DetectionOptions(threshold, min_mean_probability=min_mean_probability)
        jobs = list(_jobs(image, output))
        for source, target in jobs:
            image_format(target)
            if not overwrite_input and target.exists() and target.samefile(source):
                raise OutputError(
                    f"{target} is an input; give another --output, or --overwrite-input"
                )
        finder = LazyDetector(detector, backend, threads).get()
    except InpaintError as error:
        raise click.ClickException(str(error)) from error

    def work(job: tuple[Path, Path]) -> tuple[str, bool]:
        source, target = job
        try:
            pixels = read_image_file(source).pixels
            if pixels.dtype.kind == "f":
                check_floats(pixels)
            found = Detection.of(finder.probability(pixels, "rgb", memory_mb), options)
            drawn = to_grey(found.probability) if probability else found.mask
            write_image_file(target, ImageFile(drawn, Metadata()))
        except InpaintError as error:
            return f"skipped {source}: {error}", False
        share = f"{100.0 * found.share:.2f} % of it is damaged"
        return f"{source}: {share if found.mask.any() else 'no damage was found'}", True

    failed = 0
    for line, good in prefetch_map(work, jobs, ahead=2):
        failed += not good
        click.echo(line)
    if failed:
        raise click.ClickException(f"{failed} of the pictures could not be looked at")


def to_grey(probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """From 0 to 1 to uint8, 255 for 1."""
    grey: NDArray[np.uint8] = np.rint(probability * np.float32(255.0)).astype(np.uint8)
    return grey


def _jobs(image: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    """Each picture and its mask's file; makes the folder that they go to."""
    if not image.is_dir():
        if not output.parent.is_dir():
            raise OutputError(f"there is no folder {output.parent} to write in")
        yield image, output
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {output}: {error.strerror}") from error
    taken: dict[str, Path] = {}
    for path in sorted(p for p in image.iterdir() if p.suffix.lower() in SUFFIXES):
        if path.stem in taken:
            raise OutputError(f"{path} and {taken[path.stem]} would have one mask; rename one")
        taken[path.stem] = path
        yield path, output / f"{path.stem}.png"
    if not taken:
        raise OutputError(f"there are no pictures in {image}")
