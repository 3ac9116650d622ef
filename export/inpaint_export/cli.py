"""``inpaint-export``: train, eval, export, table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from inpaint_export.recipes import NAMES
from inpaint_export.tables import NAMES as TABLES

if TYPE_CHECKING:
    from inpaint_export.training.precision import Request
    from inpaint_sdk import Quality
    from inpaint_sdk.models.info import Precision

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Train, evaluate and export models."""


@main.command()
@click.argument("recipe", type=click.Choice(NAMES))
@click.option("--data", type=FOLDER, required=True, help="Root of the recipe's data folders.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--steps", type=click.IntRange(min=1), help="Instead of the recipe's.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ...")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the training itself.")
@click.option("--workers", default=1, show_default=True, help="Processes that prepare data.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    default="auto",
    show_default=True,
    help="Of the passes; auto takes what is faster on this device.",
)
@click.option(
    "--from",
    "source",
    type=FILE,
    help="Begin with the weights of a checkpoint (.pt) or an fp32 model file (.onnx).",
)
def train(
    recipe: str,
    data: Path,
    output: Path,
    steps: int | None,
    device: str,
    threads: int | None,
    workers: int,
    precision: Request,
    source: Path | None,
) -> None:
    """Train RECIPE in the folder given by --output; resume if it holds a checkpoint.

    A run that is resumed goes on with the recipe that it was begun with, which its checkpoint
    holds.
    """
    import logging

    import torch

    from inpaint_export.training.loop import Trainer
    from inpaint_export.training.resume import open_recipe
    from inpaint_export.training.start import FromFile

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if threads:
        torch.set_num_threads(threads)
    try:
        chosen = open_recipe(recipe, output, source)
        trainer = Trainer(
            chosen,
            data,
            output,
            device=device,
            steps=steps,
            workers=workers,
            precision=precision,
            start=None
            if source is None
            else FromFile(str(source), chosen.start.part if chosen.start else ""),
        )
        click.echo(f"validation: {trainer.run():.3f}; {trainer.checkpoint}")
    except (FileNotFoundError, ValueError, FloatingPointError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("source", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The model file, .onnx.")
@click.option(
    "--precision", type=click.Choice(["fp32", "fp16", "int8"]), default="fp32", show_default=True
)
@click.option("--data", type=FOLDER, help="Root of the recipe's data folders; not for fp32.")
def export(source: Path, output: Path, precision: Precision, data: Path | None) -> None:
    """Write a model file from SOURCE.

    SOURCE is a checkpoint, whose averaged weights are written and compared with PyTorch; or, for
    fp16 and int8, an fp32 model file. Both are measured on the recipe's validation pictures and
    refused if they lose more than 0.1 dB (fp16) or 0.5 dB (int8) of PSNR, or a detector 0.005
    (fp16) or 0.02 (int8) of F1.
    """
    import tempfile

    from inpaint_export.errors import ExportError
    from inpaint_sdk import InpaintError

    try:
        if precision == "fp32":
            _export(source, output)
            return
        if data is None:
            raise ExportError(f"--precision {precision} needs --data, to calibrate and to measure")
        with tempfile.TemporaryDirectory() as folder:
            if source.suffix != ".onnx":
                _export(source, Path(folder) / "fp32.onnx")
                source = Path(folder) / "fp32.onnx"
            _convert(source, precision, data, output)
    except (FileNotFoundError, ValueError, ExportError, InpaintError) as error:
        raise click.ClickException(str(error)) from error


def _export(checkpoint: Path, output: Path) -> None:
    from inpaint_export.onnx_export import export_checkpoint

    for check in export_checkpoint(checkpoint, output):
        click.echo(f"{check.height}x{check.width}: differs by {check.difference:.1e} from PyTorch")
    click.echo(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


def _convert(source: Path, precision: Precision, data: Path, output: Path) -> None:
    from inpaint_export.precision.convert import convert
    from inpaint_export.recipes import load_recipe
    from inpaint_sdk.models.file import read_model_file

    recipe = load_recipe(read_model_file(source).info.name)
    loss = convert(source, precision, recipe, data, output)
    click.echo(
        f"{output}: {output.stat().st_size / 1e6:.2f} MB, {loss.lower:.3f} {loss.unit} on the "
        f"validation pictures, {loss.cost:.3f} {loss.unit} less than in fp32"
    )


@main.command("eval")
@click.argument("model_file", type=FILE)
@click.option(
    "--data",
    type=FOLDER,
    required=True,
    help="Folder of undamaged pictures; with neither --masks nor --distort, of the folders cloudy "
    "and clear, but for detectors.",
)
@click.option("--masks", type=FOLDER, help="Folder of masks, white is hole.")
@click.option("--distort", is_flag=True, help="Under the four fixed distortions.")
@click.option(
    "--ratios",
    default="10-20,30-40",
    show_default=True,
    help="Hole ratios in percent; box is a centred box of a quarter of the picture.",
)
@click.option("--threads", default=2, show_default=True)
@click.option("--write", is_flag=True, help="Put the figures into the model file.")
def evaluate(
    model_file: Path,
    data: Path,
    masks: Path | None,
    distort: bool,
    ratios: str,
    threads: int,
    write: bool,
) -> None:
    """Measure MODEL_FILE through the SDK: PSNR and SSIM, or of a detector F1.

    Inpainting models are measured under masks of fixed assignment, detectors under damage of a
    fixed seed that is drawn in other ways than training's, others on pairs or under distortions of
    fixed seeds.
    """
    from inpaint_export.data.distortions import FIXED
    from inpaint_export.errors import ExportError
    from inpaint_export.evaluation import evaluate_distorted, evaluate_holes, evaluate_pairs
    from inpaint_export.onnx_export import write_quality
    from inpaint_sdk import InpaintError
    from inpaint_sdk.models.file import read_model_file

    try:
        rows: tuple[Quality, ...]
        if read_model_file(model_file).info.task == "detect":
            _evaluate_detector(model_file, data, threads, write)
            return
        if distort:
            rows = tuple(evaluate_distorted(model_file, data, kind, threads) for kind in FIXED)
        elif masks is None:
            rows = (evaluate_pairs(model_file, data, threads),)
        else:
            rows = tuple(
                evaluate_holes(model_file, data, masks, _holes(r), threads)
                for r in ratios.split(",")
            )
        if write:
            write_quality(model_file, rows)
    except (FileNotFoundError, ValueError, ExportError, InpaintError) as error:
        raise click.ClickException(str(error)) from error
    for row in rows:
        hole = "" if row.psnr_hole is None else f"{row.psnr_hole:.2f} dB in the hole, "
        click.echo(
            f"{row.data}, masks {row.masks}: PSNR {hole}{row.psnr:.2f} dB over the picture, "
            f"SSIM {row.ssim:.4f} ({row.pictures} pictures)"
        )


def _holes(text: str) -> str:
    """``"box"``, or a ratio like ``"10-20 %"`` from ``"10-20"``."""
    from inpaint_eval.pictures import Ratio

    return text if text == "box" else str(Ratio.parse(text))


def _evaluate_detector(model_file: Path, data: Path, threads: int, write: bool) -> None:
    from inpaint_export.detection_evaluation import evaluate_detector, markdown
    from inpaint_export.onnx_export import write_quality

    report = evaluate_detector(model_file, data, threads)
    if write:
        write_quality(model_file, (), report.quality)
    click.echo(markdown(report))


@main.command()
@click.argument("name", type=click.Choice(TABLES))
@click.option("--data", type=FOLDER, required=True, help="Root of the data folders.")
@click.option("--weights", type=FOLDER, help="Folder of comparators' weights; for rice1, rice2.")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--steps", default=1000, show_default=True, help="Training steps of each variant.")
@click.option("--threads", default=2, show_default=True)
def table(
    name: str, data: Path, weights: Path | None, output: Path, steps: int, threads: int
) -> None:
    """Run one of the survey's tables again: NAME.md and NAME.json.

    Its variants are trained below --output, and taken up where they were left.
    """
    from inpaint_export.errors import ExportError
    from inpaint_export.tables import make_table
    from inpaint_export.tables.base import TableOptions
    from inpaint_sdk import InpaintError

    try:
        options = TableOptions(data, weights, output, steps, threads)
        click.echo(make_table(name, options))
    except (FileNotFoundError, ValueError, ExportError, InpaintError) as error:
        raise click.ClickException(str(error)) from error
