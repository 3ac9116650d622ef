"""``inpaint-export``: train, export, eval, triton, survey.

What a command needs is imported when it runs, so that help is quick and needs no extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from inpaint_export.recipes import NAMES
from inpaint_sdk import InpaintError
from inpaint_sdk.models.info import Precision

if TYPE_CHECKING:
    from inpaint_export.training.precision import Request

try:
    from inpaint_export.survey import NAMES as TABLES
except ModuleNotFoundError:  # the wheel has no survey
    TABLES = ()

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

SURVEY = "inpaint_export.survey"


class _Commands(click.Group):
    """Commands whose expected errors reach the user as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise click.ClickException(_remedy(error)) from error
        except (InpaintError, OSError, ValueError, FloatingPointError) as error:
            raise click.ClickException(str(error)) from error


def _remedy(error: ModuleNotFoundError) -> str:
    """What to install; raises the error again if a module of our own is missing."""
    if error.name == SURVEY:
        return (
            "the survey is not part of the wheel. Run it from a source checkout, after "
            "pip install -e '.[train]' there"
        )
    if error.name is None or error.name.startswith("inpaint_"):
        raise error
    return f"{error.name} is not installed. Install the extra: pip install 'inpaint-sdk[train]'"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Train, export and evaluate models."""


@main.command()
@click.argument("recipe", type=click.Choice(NAMES))
@click.option("--data", type=FOLDER, required=True, help="Root of the recipe's data folders.")
@click.option("-o", "--output", type=NEW_FOLDER, required=True)
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
    chosen = open_recipe(recipe, output, source)
    part = chosen.start.part if chosen.start else ""
    trainer = Trainer(
        chosen,
        data,
        output,
        device=device,
        steps=steps,
        workers=workers,
        precision=precision,
        start=None if source is None else FromFile(str(source), part),
    )
    click.echo(f"validation: {trainer.run():.3f}; {trainer.checkpoint}")


@main.command()
@click.argument("recipe", type=click.Choice(NAMES))
@click.option("--data", type=FOLDER, required=True, help="Root of the recipe's data folders.")
@click.option("--threads", default="1,2", show_default=True, help="CPU threads, by commas.")
@click.option("--workers", default="0,1", show_default=True, help="Processes, by commas.")
@click.option("--steps", type=click.IntRange(min=1), default=40, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ...")
def speed(recipe: str, data: Path, threads: str, workers: str, steps: int, device: str) -> None:
    """Measure steps a second of RECIPE by threads of the training and processes that draw.

    Trains from new weights, and keeps nothing.
    """
    from inpaint_eval.render import to_text
    from inpaint_export.recipes import load_recipe
    from inpaint_export.training.speed import measure_speed

    counts = [[int(number) for number in text.split(",")] for text in (threads, workers)]
    table = measure_speed(
        load_recipe(recipe), data, threads=counts[0], workers=counts[1], steps=steps, device=device
    )
    click.echo(to_text([table]))


@main.command()
@click.argument("source", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The model file, .onnx.")
@click.option(
    "--precision", type=click.Choice(get_args(Precision)), default="fp32", show_default=True
)
@click.option(
    "--data", type=FOLDER, help="Root of the recipe's data folders; for fp16, int8, measured."
)
@click.option(
    "--thresholds",
    help="Of a detector's kinds: like scratch=0.9,speck=0.95; validation for those in the log "
    "beside the checkpoint; or measured, which needs --data. They are folded into the "
    "weights, so that 0.5 is each kind's.",
)
def export(
    source: Path,
    output: Path,
    precision: Precision,
    data: Path | None,
    thresholds: str | None,
) -> None:
    """Write a model file from SOURCE.

    SOURCE is a checkpoint, whose averaged weights are written and compared with PyTorch; or, for
    fp16 and int8, an fp32 model file. Both are measured on the recipe's validation pictures and
    refused if they lose more than 0.1 dB (fp16) or 0.5 dB (int8) of PSNR, or a detector 0.005
    (fp16) or 0.02 (int8) of F1.
    """
    from inpaint_export.export import export_model_file

    for line in export_model_file(source, output, precision, data, thresholds):
        click.echo(line)


@main.command()
@click.argument("folder", type=FOLDER)
@click.option("--data", type=FOLDER, required=True, help="Root of the recipes' data folders.")
@click.option("--only", "names", multiple=True, metavar="NAME", help="A model; may be repeated.")
def precisions(folder: Path, data: Path, names: tuple[str, ...]) -> None:
    """Write all fp32 model files of FOLDER in fp16 and int8 too.

    A precision that costs more than the SDK takes by itself, 0.05 dB or 0.005 of F1 on the
    validation pictures, is not written.
    """
    from inpaint_export.export import export_precisions

    for line in export_precisions(folder, data, names):
        click.echo(line)


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
    "--film",
    is_flag=True,
    help="Of a detector, or of a restorer that looks under its mask, by kind, on held-out film "
    "damage and undamaged pictures, below the data root.",
)
@click.option(
    "--detector",
    type=FILE,
    help="With --film, for a restorer: a detector's model file; damage if it is left out.",
)
@click.option(
    "--noise",
    is_flag=True,
    help="Of a model that cleans pictures, on real cameras' noise and on drawn noise, below the "
    "data root.",
)
@click.option(
    "--weights",
    type=FOLDER,
    help="With --noise: folder of FFDNet's weights; else weights beside the data root.",
)
@click.option(
    "--cbm3d",
    is_flag=True,
    help="With --noise: CBM3D too, which is slow, and free for non-commercial use alone.",
)
@click.option(
    "--peers/--no-peers",
    default=True,
    show_default=True,
    help="Of a reader of text: Tesseract (of Debian) and RapidOCR (of PyPI) beside it.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="With --film, --noise, and of a reader of text: pictures or lines of each set.",
)
@click.option(
    "--ratios",
    default="10-20,30-40",
    show_default=True,
    help="Hole ratios in percent; box is a centred box of a quarter of the picture.",
)
@click.option(
    "--checkpoint",
    type=FILE,
    help="With --masks, of a model with a codebook: the training's last.pt, for the share of codes "
    "that are predicted right, and of entries used.",
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--write", is_flag=True, help="Put the figures into the model file.")
@click.option("-o", "--output", type=FILE, help="The result file, .json, for tables in cards.")
def evaluate(
    model_file: Path,
    data: Path,
    masks: Path | None,
    distort: bool,
    film: bool,
    detector: Path | None,
    noise: bool,
    weights: Path | None,
    cbm3d: bool,
    peers: bool,
    limit: int | None,
    ratios: str,
    checkpoint: Path | None,
    threads: int,
    write: bool,
    output: Path | None,
) -> None:
    """Measure MODEL_FILE through the SDK: PSNR and SSIM, of a detector F1, of a reader its errors.

    Inpainting models are measured under masks of fixed assignment, detectors on held-out film
    damage (--film), others on pairs, under distortions of fixed seeds, or on real noise (--noise).
    Readers of text are measured on lines in held-out fonts: clean ones, degraded ones, ones in
    photographs, and damaged ones before and after they are restored. Errors name the fonts that
    have to be installed.
    """
    from inpaint_export.evaluation import (
        evaluate_cleaning,
        evaluate_film,
        evaluate_model,
        evaluate_reader,
    )
    from inpaint_export.evaluation_file import write_document
    from inpaint_export.onnx_export import write_quality
    from inpaint_sdk.models.file import read_model_file

    if film and noise:
        raise click.UsageError("--film and --noise are two measurements: give one")
    if film:
        evaluation = evaluate_film(
            model_file, data, threads=threads, limit=limit, detector=detector
        )
    elif noise:
        evaluation = evaluate_cleaning(
            model_file, data, weights, threads=threads, limit=limit, with_cbm3d=cbm3d
        )
    elif read_model_file(model_file).info.task == "read":
        if masks is not None or distort or write:
            raise click.UsageError(
                "readers of text are measured on lines, and their files hold no figures: leave out "
                "--masks, --distort and --write"
            )
        evaluation = evaluate_reader(model_file, data, threads=threads, limit=limit, peers=peers)
    else:
        evaluation = evaluate_model(
            model_file,
            data,
            masks=masks,
            distort=distort,
            ratios=ratios.split(","),
            threads=threads,
            checkpoint=checkpoint,
        )
    if output is not None:
        write_document(evaluation.document, output)
    if write:
        write_quality(model_file, evaluation.quality, evaluation.detection)
    click.echo(evaluation.text)


@main.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("-o", "--output", type=NEW_FOLDER, required=True, metavar="REPOSITORY")
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    default="fp32",
    show_default=True,
    help="Of the networks.",
)
@click.option(
    "--instances",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Of each model, on each GPU, or else on the CPU.",
)
@click.option(
    "--served-from",
    metavar="PATH",
    help="Where the server sees the repository, like /models.  [default: where it is written]",
)
def triton(
    models: tuple[str, ...],
    output: Path,
    precision: Precision,
    instances: int,
    served_from: str | None,
) -> None:
    """Write a model repository for NVIDIA Triton, with two models for each MODEL.

    MODEL is a name, the path of a model file, or auto. In the repository, MODEL runs the whole SDK
    in Triton's Python backend, a picture file's bytes in and out; MODEL-network is the network
    alone, in its ONNX Runtime backend, which puts requests of one size together.
    """
    from inpaint_export.triton.repository import Serving, write_repository

    serving = Serving(precision, instances, served_from=served_from)
    for line in write_repository(models, output, serving):
        click.echo(line)


@main.command()
@click.argument("name", type=click.Choice(TABLES) if TABLES else str)
@click.option("--data", type=FOLDER, required=True, help="Root of the data folders.")
@click.option("--weights", type=FOLDER, help="Folder of comparators' weights; for table2, table3.")
@click.option("-o", "--output", type=NEW_FOLDER, required=True)
@click.option(
    "--steps", type=click.IntRange(min=1), default=1000, show_default=True, help="Of each variant."
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Trainings of each variant that is within 0.2 dB of another row.",
)
def survey(
    name: str,
    data: Path,
    weights: Path | None,
    output: Path,
    steps: int,
    threads: int,
    seeds: int,
) -> None:
    """Run one of the survey's tables again, from a source checkout: NAME.md and NAME.json.

    Its variants are trained below --output, and resumed from where they were left.
    """
    from inpaint_export.survey import make_table
    from inpaint_export.survey.base import TableOptions

    click.echo(make_table(name, TableOptions(data, weights, output, steps, threads, seeds)))
