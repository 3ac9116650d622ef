"""``inpaint-sdk restore``: a picture, or a folder of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click
import numpy as np

from inpaint_sdk.cli.folder import MakePlan, list_jobs, open_job, restore_folder
from inpaint_sdk.cli.jobs import Job, check_failures
from inpaint_sdk.cli.options import (
    Loading,
    with_detector,
    with_loading,
    with_model,
    with_options,
    with_overwrite_input,
)
from inpaint_sdk.cli.ray import restore_on_ray
from inpaint_sdk.cli.warning_lines import warning_lines
from inpaint_sdk.errors import BackendError
from inpaint_sdk.images.files import write_image_file
from inpaint_sdk.options import Clouds, Options
from inpaint_sdk.restorer import Restorer

BLANK = np.zeros((64, 64, 3), np.uint8)
"""A picture on which a model is tried."""


@click.command()
@click.argument("source", type=click.Path(), metavar="IMAGE")
@click.option(
    "--mask",
    "mask_source",
    type=click.Path(),
    help="Mask; nonzero pixels are restored.  [default: what the detector finds]",
)
@click.option("-o", "--output", "target", type=click.Path(), required=True)
@with_model
@with_loading
@with_options()
@with_detector
@with_overwrite_input
@click.option("--page", type=click.IntRange(1), help="Page of a TIFF that holds several, from 1.")
@click.option("--force", is_flag=True, help="In a folder: restore finished pictures again.")
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Restore a folder on a Ray cluster: HOST:PORT, ray://HOST:PORT, auto or local.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="With --ray: processes that restore.  [default: as many as the cluster has room for]",
)
def restore(
    source: str,
    mask_source: str | None,
    target: str,
    model: str,
    clouds: Clouds | None,
    loading: Loading,
    options: Options,
    detector: str,
    overwrite_input: bool,
    page: int | None,
    force: bool,
    ray: str | None,
    workers: int | None,
) -> None:
    """Restore IMAGE where the mask is nonzero, or without a mask where damage is found.

    A picture in which no damage is found comes out as it is, and the command says so. Models for
    the task "enhance", as `inpaint-sdk models` lists them, see the damage themselves: without a
    mask they restore the whole picture, and with one they change only what it marks.

    IMAGE may be a folder; --mask, if given, is then one mask for all, or a folder with a mask of
    the same name (any picture suffix) for each picture, and --output a folder, which is made if
    need be. Hidden files and other files than JPEG, PNG, WebP, TIFF and BMP are passed over.
    Reading, restoring and writing go on side by side. An output that is there and newer than its
    inputs is finished and skipped, so an interrupted run goes on where it stopped. A file that
    cannot be restored is reported and skipped; the exit code is then 1, or 2 if nothing was done.

    Pictures keep 8 or 16 bits, alpha, colour profile and metadata; what the output's format cannot
    hold is an error, or for metadata a warning.

    With --ray folders are paths that each node has, or URIs like s3://bucket/folder, and each of
    the cluster's processes loads the models once. What is lost with a node is done by others.
    """
    if ray is not None:
        if overwrite_input:
            raise click.UsageError("--overwrite-input is not for --ray: a lost picture is redone")
        restore_on_ray(
            ray,
            source,
            target,
            mask_source,
            model=model,
            clouds=clouds,
            loading=loading,
            options=options,
            detector=detector,
            page=page,
            force=force,
            workers=workers,
        )
        return
    if workers is not None:
        raise click.UsageError("--workers is for --ray")
    image, output = Path(source), Path(target)
    mask = None if mask_source is None else Path(mask_source)

    def load() -> MakePlan:
        restorer = Restorer.load(
            model, detector=detector, clouds=clouds, options=options, **loading
        )
        # Refuses at once what would fail for each picture. An engine may not take this size.
        with suppress(BackendError):
            restorer.plan(BLANK, None if mask is None else BLANK[..., 0])
        return restorer.plan

    with warning_lines():
        if image.is_dir():
            jobs = list(list_jobs(image, mask, output, page))
            failed = restore_folder(jobs, load(), overwrite_input=overwrite_input, force=force)
            check_failures(failed, len(jobs), "restored")
            return
        job = Job(image, output, mask, page)
        job.check(overwrite_input)
        result = load()(*open_job(job)).run()
        write_image_file(output, result.image)
        if result.detection is not None or len(result.plan.steps) > 1:
            click.echo(f"{image}: {result.plan}")
