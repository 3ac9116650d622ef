"""``inpaint-sdk restore --ray``: a folder of pictures on a cluster."""

from __future__ import annotations

import click

from inpaint_sdk.cli.jobs import NothingDone, check_failures
from inpaint_sdk.cli.options import Loading
from inpaint_sdk.cluster.folder import list_jobs, restore_jobs
from inpaint_sdk.cluster.ray import Workers, connected
from inpaint_sdk.models.zoo import find_model
from inpaint_sdk.options import Clouds, Options
from inpaint_sdk.policies.auto import NAME as AUTO


def restore_on_ray(
    address: str,
    source: str,
    target: str,
    masks: str | None,
    *,
    model: str,
    clouds: Clouds | None,
    loading: Loading,
    options: Options,
    detector: str,
    page: int | None,
    force: bool,
    workers: int | None,
) -> None:
    """Restores a folder, and tells of it as without a cluster."""
    from tqdm import tqdm

    if model != AUTO:
        find_model(model)  # refused here, and not by each actor
    jobs = list_jobs(source, target, masks, force=force)
    if jobs.passed_over:
        click.echo(f"passed over {len(jobs.passed_over)} files that are not pictures")
    if not jobs.todo and not jobs.finished:
        raise NothingDone(f"there are no pictures in {source}")
    threads = loading["threads"] or 1
    on_gpu = (loading["device"] or loading["backend"]).startswith(("cuda", "tensorrt"))
    outcomes = restore_jobs(
        jobs,
        model,
        options,
        page=page,
        workers=Workers(workers, threads, float(on_gpu)),
        backend=loading["backend"],
        device=loading["device"],
        precision=loading["precision"],
        clouds=clouds,
        detector=detector,
    )
    failed = 0
    with connected(address), tqdm(total=len(jobs.todo), unit="picture", disable=None) as bar:
        for outcome in outcomes:
            bar.update()
            for warning in outcome.warnings:
                tqdm.write(f"warning: {outcome.name}: {warning}")
            if outcome.error is not None:
                failed += 1
                tqdm.write(f"skipped {outcome.name}: {outcome.error}")
    click.echo(
        f"restored {len(jobs.todo) - failed}, finished before {jobs.finished}, failed {failed}"
    )
    check_failures(failed, len(jobs.todo) + jobs.finished, "restored")
