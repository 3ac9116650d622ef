"""Commands that measure, and write a result file."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from inpaint_bench.cli.options import (
    FILE,
    FOLDER,
    FPS,
    HOLES,
    OUTPUT,
    REMARKS,
    THREADS,
    both_or_none,
    candidate_options,
    candidates,
    counts,
    ratios,
    shape,
    sizes,
    split,
)
from inpaint_bench.errors import BenchError
from inpaint_bench.render import to_text
from inpaint_bench.schema import Result, read_result, write_result
from inpaint_bench.schema.run import Protocol, RunPlan, RunResult, Scope
from inpaint_bench.views import layer_table, tables_of
from inpaint_eval.drawn import MASK_KINDS


def _show(result: Result) -> None:
    click.echo(to_text(tables_of(result)))


@click.command("run")
@candidate_options
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
@HOLES
@click.option("--batches", default="1", show_default=True, help="More than 1 in scope network.")
@click.option("--threads", default="2", show_default=True, help="Numbers, by commas.")
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
    onnx: tuple[str, ...],
    scopes: str,
    sizes_: str,
    holes: str,
    batches: str,
    threads: str,
    pictures: Path | None,
    masks: Path | None,
    frames: int | None,
    remarks: str,
    output: Path,
    **protocol: float,
) -> None:
    """Measure speed, memory and energy of models and peers.

    Every model on every backend in every precision, beside every peer: at each size, hole ratio,
    batch and number of threads. The output is written after each of these cases; the same command
    goes on where it was stopped.
    """
    from inpaint_bench.run import run

    both_or_none({"--pictures": pictures, "--masks": masks})
    unknown = set(split(scopes)) - set(get_args(Scope))
    if unknown or not split(scopes):
        raise BenchError(f"--scopes is of {', '.join(get_args(Scope))}, not {scopes!r}")
    wanted = sizes(sizes_)
    if not wanted and pictures is None:
        raise BenchError("--sizes own is of pictures: give --pictures and --masks")
    plan = RunPlan(
        candidates=candidates(models, backends, precisions, peers, onnx),
        scopes=[scope for scope in get_args(Scope) if scope in split(scopes)],
        sizes=wanted,
        holes=ratios(holes),
        batches=counts(batches, "--batches"),
        threads=counts(threads, "--threads"),
        pictures=None if pictures is None else pictures.name,
        masks=None if masks is None else masks.name,
        frames=frames,
        protocol=Protocol.model_validate(protocol),
    )
    _show(run(plan, output, pictures=pictures, masks=masks, remarks=remarks, tell=click.echo))


@click.command("quality")
@candidate_options
@click.option("--pictures", type=FOLDER, help="Folder of undamaged pictures.")
@click.option("--masks", type=FOLDER, multiple=True, help="Folder of masks; may be repeated.")
@click.option(
    "--kinds", default="", help=f"Drawn masks, by commas: {', '.join(MASK_KINDS)}; beside --masks."
)
@click.option("--holes", default="10-20,30-40", show_default=True, help="Hole ratios in percent.")
@click.option(
    "--pairs",
    type=FOLDER,
    help="Instead of pictures and masks: folders cloudy and clear, for models without a mask.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first pictures.")
@THREADS
@click.option(
    "--gallery",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for pictures of each group's worst and median case.",
)
@REMARKS
@OUTPUT
def quality_command(
    models: str,
    backends: str,
    precisions: str,
    peers: str,
    onnx: tuple[str, ...],
    pictures: Path | None,
    masks: tuple[Path, ...],
    kinds: str,
    holes: str,
    pairs: Path | None,
    limit: int | None,
    threads: int,
    gallery: Path | None,
    remarks: str,
    output: Path,
) -> None:
    """Measure how good models and peers are.

    PSNR, SSIM and gradient similarity in the hole and over the picture, by kind of mask and hole
    ratio. The output is written after each of these groups; the same command goes on where it was
    stopped.
    """
    from inpaint_bench import quality

    if (pictures is None) == (pairs is None):
        raise BenchError("give --pictures with --masks or --kinds, or else --pairs")
    unknown = set(split(kinds)) - set(MASK_KINDS)
    if unknown:
        raise BenchError(f"there is no kind of mask {', '.join(unknown)}: {', '.join(MASK_KINDS)}")
    if pairs is not None:
        # Peers need a mask to work; what stands beside a model here is the picture as it came.
        wanted = [*candidates(models, backends, precisions, "", onnx), quality.DAMAGED]
        groups, source = [quality.with_pairs(pairs, limit)], f"{pairs.parent.name} {pairs.name}"
    else:
        assert pictures is not None
        if not masks and not split(kinds):
            raise BenchError("give --masks, or --kinds of masks to be drawn")
        wanted, source = candidates(models, backends, precisions, peers, onnx), pictures.name
        groups = [quality.with_masks(pictures, m, r, limit) for m in masks for r in ratios(holes)]
        groups += [
            quality.with_drawn_masks(pictures, kind, ratio, limit)
            for kind in split(kinds)
            for ratio in ratios(holes)
        ]
    result = quality.measure_quality(
        groups, wanted, source, output, threads=threads, gallery=gallery, remarks=remarks
    )
    _show(result)


@click.command("kernels")
@click.option("--shapes", help="NxCxHxW, by commas. [default: 1x32x128x128 to 8x64x512x512]")
@THREADS
@click.option("--blocks", type=click.IntRange(min=3), default=24, show_default=True)
@click.option("--cuda-program", type=FILE, help="bench_scan, to measure the CUDA kernels too.")
@REMARKS
@OUTPUT
def kernels_command(
    shapes: str | None,
    threads: int,
    blocks: int,
    cuda_program: Path | None,
    remarks: str,
    output: Path,
) -> None:
    """Measure the recurrent scan: bytes, launches, and share of a copy's bandwidth."""
    from inpaint_bench.kernels import SHAPES, measure_kernels

    result = measure_kernels(
        SHAPES if shapes is None else [shape(text) for text in split(shapes)],
        threads,
        blocks,
        cuda_program=cuda_program,
        remarks=remarks,
        tell=lambda text: click.echo(text, err=True),
    )
    write_result(result, output)
    _show(result)


@click.command("roofline")
@click.option("--models", default="photo", show_default=True, help="Names or files, by commas.")
@click.option("--sizes", "sizes_", default="256,512", show_default=True)
@click.option(
    "--devices",
    default="orin-nano,orin-nano-super,agx-orin,thor",
    show_default=True,
    help="Published: also orin-nx. here: this processor, whose rates are measured.",
)
@click.option("--run", "runs", type=FILE, multiple=True, help="Results to set beside the bounds.")
@THREADS
@FPS
@click.option("--layers", is_flag=True, help="Print every layer; they are in the output anyway.")
@REMARKS
@OUTPUT
def roofline_command(
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

    Never a measurement: what is below the bound is impossible, what is above it may be.
    """
    from inpaint_bench.roofline import find_bounds
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
    opened = [open_model(Path(m) if Path(m).suffix else m) for m in split(models)]
    found = find_bounds(opened, wanted, split(devices), results, threads, remarks)
    write_result(found, output)
    tables = [*tables_of(found, fps), *(layer_table(n) for n in found.networks if layers)]
    click.echo(to_text(tables))


@click.command("sdk")
@click.option(
    "--rows",
    default="startup,photograph,mask_free,video,sharing,stream",
    show_default=True,
    help="What to measure.",
)
@click.option("--mask-free-model", default="cloud-thin", show_default=True, help="Name or file.")
@REMARKS
@OUTPUT
def sdk_command(rows: str, mask_free_model: str, remarks: str, output: Path) -> None:
    """Measure the SDK around its networks: start, large pictures, video, threads and streams.

    Each row is held to a bar, and runs in a process of its own. Rows that are in the output already
    and are not measured stay as they are.
    """
    from inpaint_bench.sdk import measure_sdk

    _show(measure_sdk(split(rows), mask_free_model, output, remarks))
