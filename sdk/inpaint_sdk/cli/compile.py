"""``inpaint-sdk compile``: an engine ahead of time, as in the build of an image."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from inpaint_sdk.backends import COMPILERS, find_compiler
from inpaint_sdk.backends.tensorrt.progress import ProgressBar
from inpaint_sdk.cli.options import ModelPath
from inpaint_sdk.engines.file import write_engine_file
from inpaint_sdk.engines.profile import OptimizationProfile, Shape
from inpaint_sdk.errors import OutputError
from inpaint_sdk.models.info import PrecisionChoice
from inpaint_sdk.models.zoo import find_fastest, open_model


@click.command("compile")
@click.argument("model", type=ModelPath(), metavar="MODEL")
@click.option("--backend", type=click.Choice(COMPILERS), required=True)
@click.option(
    "--precision",
    type=click.Choice(get_args(PrecisionChoice)),
    default="auto",
    show_default=True,
    help="Of a model that is given by name; auto: fp16 if it loses next to nothing. A file is what "
    "it is.",
)
@click.option(
    "--shapes",
    nargs=3,
    metavar="MIN OPT MAX",
    help="Smallest input, the one to tune for, and the largest: each height x width in pixels like "
    "512x768, or with a batch like 4x512x768. One image of up to 2048x2048 if not given.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="sm_XX",
    help="Compute capability to build for; may be repeated. The GPU here if not given. "
    "tensorrt_rtx builds for GPUs that are not here.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def compile_model(
    model: str,
    backend: str,
    precision: PrecisionChoice,
    shapes: tuple[str, str, str] | None,
    targets: tuple[str, ...],
    output: Path,
) -> None:
    """Compile MODEL, a name or the path of a model file, into an engine file.

    Restorer.load takes the file by its path. It refuses one that was built for another GPU,
    library version or operating system. An engine is code: load only engines that you trust.
    """
    if not output.parent.is_dir():
        raise OutputError(f"there is no folder {output.parent} to write in")
    if precision == "auto":
        file = open_model(find_fastest(model, "fp16"))  # what Restorer.load takes on a GPU
    else:
        file = open_model(model, precision)
    profile = (
        OptimizationProfile(*(Shape.parse(text) for text in shapes))
        if shapes
        else OptimizationProfile.default(file.info)
    )
    progress = ProgressBar(f"compiling {file.info.name}")
    engine = find_compiler(backend).compile(file, profile, targets, progress)
    try:
        write_engine_file(engine, output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}") from error
    scan = {
        "plugin": "DirectionalScan runs in the plugin.",
        "log_step": "DirectionalScan runs as standard operators, without the plugin.",
        "none": "",
    }[engine.info.scan]
    click.echo(
        f"{output}: {engine.info.describe()}; {engine.info.size / 1e6:.1f} MB. {scan}".strip()
    )
