"""``inpaint-bench run``."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from inpaint_bench.cli.options import (
    FOLDER,
    OUTPUT,
    REMARKS,
    both_or_none,
    candidate_options,
    candidates,
    counts,
    ratios,
    sizes,
    split,
)
from inpaint_bench.errors import BenchError
from inpaint_bench.schema.run import Protocol, RunPlan, Scope


@click.command("run")
@candidate_options(models="photo", peers="opencv-telea,opencv-ns")
@click.option(
    "--scopes",
    default="call",
    show_default=True,
    help="call: pixels to pixels through the public API. network: the network alone.",
)
@click.option(
    "--sizes",
    "sizes_",
    default="256,512",
    show_default=True,
    help="Side, or HEIGHTxWIDTH; own: the pictures' own.",
)
@click.option("--holes", default="10-20", show_default=True, help="Hole ratios in percent.")
@click.option("--batches", default="1", show_default=True, help="More than 1 in scope network.")
@click.option("--threads", default="2", show_default=True)
@click.option("--pictures", type=FOLDER, help="Instead of drawn ones; with --masks.")
@click.option("--masks", type=FOLDER, help="Folder of masks, white is hole.")
@click.option("--frames", type=click.IntRange(min=1), help="Pictures a case. [default: 1, or all]")
@click.option("--blocks", type=click.IntRange(min=3), default=48, show_default=True)
@click.option("--turn-seconds", default=0.1, show_default=True, help="Timed calls of a turn.")
@click.option(
    "--candidate-seconds",
    default=30.0,
    show_default=True,
    help="For one candidate in one case; slow ones get fewer turns.",
)
@click.option("--warmup-seconds", default=3.0, show_default=True, help="At most.")
@click.option("--energy-seconds", default=2.0, show_default=True, help="0: no energy.")
@click.option(
    "--timeout",
    default=900.0,
    show_default=True,
    help="Seconds to load and call once; TensorRT compiles an engine then, for minutes.",
)
@REMARKS
@OUTPUT
def run_command(
    models: str,
    backends: str,
    precisions: str,
    peers: str,
    onnx_files: tuple[str, ...],
    scopes: str,
    sizes_: str,
    holes: str,
    batches: str,
    threads: str,
    pictures: Path | None,
    masks: Path | None,
    frames: int | None,
    blocks: int,
    turn_seconds: float,
    candidate_seconds: float,
    warmup_seconds: float,
    energy_seconds: float,
    timeout: float,
    remarks: str,
    output: Path,
) -> None:
    """Measure speed, memory and energy of models and peers.

    Every model on every backend in every precision, beside every peer: at each size, hole ratio,
    batch and number of threads. The output is written after each of these cases; the same command
    goes on where it was stopped.
    """
    from inpaint_bench.run import run
    from inpaint_bench.text.run import describe_run

    both_or_none({"--pictures": pictures, "--masks": masks})
    unknown = set(split(scopes)) - set(get_args(Scope))
    if unknown or not split(scopes):
        raise BenchError(f"--scopes is of {', '.join(get_args(Scope))}, not {scopes!r}")
    wanted = sizes(sizes_)
    if not wanted and pictures is None:
        raise BenchError("--sizes own is of pictures: give --pictures and --masks")
    plan = RunPlan(
        candidates=candidates(models, backends, precisions, peers, onnx_files),
        scopes=[scope for scope in get_args(Scope) if scope in split(scopes)],
        sizes=wanted,
        holes=ratios(holes),
        batches=counts(batches, "--batches"),
        threads=counts(threads, "--threads"),
        pictures=None if pictures is None else pictures.name,
        masks=None if masks is None else masks.name,
        frames=frames,
        protocol=Protocol(
            blocks=blocks,
            turn_seconds=turn_seconds,
            candidate_seconds=candidate_seconds,
            warmup_seconds=warmup_seconds,
            energy_seconds=energy_seconds,
            timeout=timeout,
        ),
    )
    result = run(plan, output, pictures=pictures, masks=masks, remarks=remarks, tell=click.echo)
    click.echo(describe_run(result))
