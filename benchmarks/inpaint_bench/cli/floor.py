"""``inpaint-bench floor``."""

from __future__ import annotations

from pathlib import Path

import click

from inpaint_bench.cli.options import FILE, OUTPUT, REMARKS, sizes, split
from inpaint_bench.errors import BenchError


@click.command("floor")
@click.option("--models", default="photo", show_default=True, help="Names or files, by commas.")
@click.option("--sizes", "sizes_", default="256,512", show_default=True)
@click.option(
    "--devices",
    default="orin-nano,orin-nano-super,agx-orin,thor",
    show_default=True,
    help="Published: also orin-nx. here: this processor, whose rates are measured.",
)
@click.option("--run", "runs", type=FILE, multiple=True, help="Results to set beside the floors.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True)
@click.option("--layers", is_flag=True, help="Print every layer; they are in the output anyway.")
@REMARKS
@OUTPUT
def floor_command(
    models: str,
    sizes_: str,
    devices: str,
    runs: tuple[Path, ...],
    threads: int,
    fps: float,
    layers: bool,
    remarks: str,
    output: Path,
) -> None:
    """Say what models cost, and the least time that they can take on a device.

    Never a measurement: what is below the floor is impossible, what is above it may be.
    """
    from inpaint_bench.floor.benchmark import find_floors
    from inpaint_bench.schema.files import read_result, write_result
    from inpaint_bench.schema.run import RunResult
    from inpaint_bench.text.floor import describe_floors
    from inpaint_sdk.models.zoo import open_model

    wanted = sizes(sizes_)
    if not wanted or not split(models):
        raise BenchError("give --models, and --sizes like 256 or 480x640")
    results = []
    for path in runs:
        result = read_result(path)
        if not isinstance(result, RunResult):
            raise BenchError(f"{path} is a result of {result.kind}, not of run")
        results.append(result)
    found = find_floors(
        [open_model(Path(m) if Path(m).suffix else m) for m in split(models)],
        wanted,
        split(devices),
        results,
        threads,
        remarks,
    )
    write_result(found, output)
    click.echo(describe_floors(found, fps, layers=layers))
