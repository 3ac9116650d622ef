"""``inpaint-bench quality``."""

from __future__ import annotations

from pathlib import Path

import click

from inpaint_bench.cli.options import (
    FOLDER,
    OUTPUT,
    REMARKS,
    candidate_options,
    candidates,
    ratios,
    split,
)
from inpaint_bench.errors import BenchError
from inpaint_eval.drawn import MASK_KINDS


@click.command("quality")
@candidate_options(models="photo", peers="opencv-telea,opencv-ns")
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
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
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
    onnx_files: tuple[str, ...],
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
    from inpaint_bench.quality.benchmark import (
        DAMAGED,
        measure_quality,
        with_drawn_masks,
        with_masks,
        with_pairs,
    )
    from inpaint_bench.text.quality import describe_quality

    if (pictures is None) == (pairs is None):
        raise BenchError("give --pictures with --masks or --kinds, or else --pairs")
    unknown = set(split(kinds)) - set(MASK_KINDS)
    if unknown:
        raise BenchError(f"there is no kind of mask {', '.join(unknown)}: {', '.join(MASK_KINDS)}")
    if pairs is not None:
        # Peers need a mask to work; what stands beside a model here is the picture as it came.
        chosen = candidates(models, backends, precisions, "", onnx_files)
        groups = [with_pairs(pairs, limit)]
        wanted, source = [*chosen, DAMAGED], f"{pairs.parent.name} {pairs.name}"
    else:
        assert pictures is not None
        if not masks and not split(kinds):
            raise BenchError("give --masks, or --kinds of masks to be drawn")
        wanted = candidates(models, backends, precisions, peers, onnx_files)
        source = pictures.name
        groups = [with_masks(pictures, m, r, limit) for m in masks for r in ratios(holes)]
        groups += [
            with_drawn_masks(pictures, kind, ratio, limit)
            for kind in split(kinds)
            for ratio in ratios(holes)
        ]
    result = measure_quality(
        groups, wanted, source, output, threads=threads, gallery=gallery, remarks=remarks
    )
    click.echo(describe_quality(result))
