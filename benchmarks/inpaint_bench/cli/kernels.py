"""``inpaint-bench kernels``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from inpaint_bench.cli.options import FILE, OUTPUT, REMARKS, split
from inpaint_bench.errors import BenchError


@click.command("kernels")
@click.option("--shapes", help="NxCxHxW, by commas. [default: 1x32x128x128 to 8x64x512x512]")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
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
    from inpaint_bench.kernels.benchmark import SHAPES, measure_kernels
    from inpaint_bench.schema.files import write_result
    from inpaint_bench.text.kernels import describe_kernels

    wanted = SHAPES if shapes is None else [_shape(text) for text in split(shapes)]
    result = measure_kernels(
        wanted,
        threads,
        blocks,
        cuda_program=cuda_program,
        remarks=remarks,
        tell=lambda text: click.echo(text, err=True),
    )
    write_result(result, output)
    click.echo(describe_kernels(result))


def _shape(text: str) -> tuple[int, int, int, int]:
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){3}", text):
        raise BenchError(f"a shape is like 1x32x256x256, of sizes from 1 up, not {text!r}")
    n, c, h, w = (int(size) for size in text.split("x"))
    return n, c, h, w
