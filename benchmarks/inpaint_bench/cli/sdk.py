"""``inpaint-bench sdk``."""

from __future__ import annotations

from pathlib import Path

import click

from inpaint_bench.cli.options import OUTPUT, REMARKS, split

ROWS = "startup,photograph,mask_free,video,sharing,stream"


@click.command("sdk")
@click.option("--rows", default=ROWS, show_default=True, help="What to measure.")
@click.option("--mask-free-model", default="cloud-thin", show_default=True, help="Name or file.")
@REMARKS
@OUTPUT
def sdk_command(rows: str, mask_free_model: str, remarks: str, output: Path) -> None:
    """Measure the SDK around its networks: start, large pictures, video, threads and streams.

    Each row is held to a bar, and runs in a process of its own. Rows that are in the output already
    and are not measured stay as they are.
    """
    from inpaint_bench.sdk.benchmark import measure_sdk
    from inpaint_bench.text.sdk import describe_sdk

    click.echo(describe_sdk(measure_sdk(split(rows), mask_free_model, output, remarks)))
