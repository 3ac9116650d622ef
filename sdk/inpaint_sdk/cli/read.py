"""``inpaint-sdk read``: what lines of text say."""

from __future__ import annotations

import json
from pathlib import Path

import click

from inpaint_sdk.cli.jobs import check_failures
from inpaint_sdk.cli.options import Loading, ModelPath, with_loading
from inpaint_sdk.errors import InpaintError, error_line
from inpaint_sdk.images.decoding import read_image_file
from inpaint_sdk.images.image import Image
from inpaint_sdk.reader import READER, TextReader
from inpaint_sdk.runners.ctc import MAX_BEAM


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="With each character's confidence, as JSON.")
@click.option(
    "--beam",
    type=click.IntRange(1, MAX_BEAM),
    help="Search that follows so many texts.  [default: the likeliest class of each step]",
)
@click.option(
    "--model",
    type=ModelPath(),
    metavar="MODEL",
    default=READER,
    show_default=True,
    help="Model that reads: a name, or the path of a model file.",
)
@with_loading
def read(
    images: tuple[Path, ...], as_json: bool, beam: int | None, model: str, loading: Loading
) -> None:
    """Read the line of text that each of IMAGES shows, and print one line for each.

    A picture shows one line of text, which fills it about from top to foot. One that cannot be read
    is reported on the error output, and its line is empty; the exit code is then 1, or 2 if none
    could be read.
    """
    failed = 0
    with TextReader.load(model, **loading) as reader:
        for path in images:
            try:
                found = reader.read(Image(read_image_file(path).pixels, "rgb"), beam=beam)
            except (InpaintError, OSError) as error:
                if len(images) == 1:
                    raise
                failed += 1
                click.echo(f"skipped {path}: {error_line(error)}", err=True)
                click.echo(json.dumps({"image": str(path), "error": str(error)}) if as_json else "")
                continue
            if as_json:
                confidences = [round(value, 4) for value in found.confidences]
                document = {"image": str(path), "text": found.text, "confidences": confidences}
                click.echo(json.dumps(document, ensure_ascii=False))
            else:
                click.echo(found.text)
    check_failures(failed, len(images), "read")
