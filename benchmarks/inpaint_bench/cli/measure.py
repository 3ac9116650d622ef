"""Commands that measure, and write a result file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, get_args

import click

from inpaint_bench.peers import PEERS
from inpaint_bench.roofline import PUBLISHED
from inpaint_bench.schema import Result, read_result, write_result
from inpaint_bench.schema.common import CandidateKey, Size
from inpaint_bench.schema.results import Protocol, RunPlan, RunResult, Scope
from inpaint_bench.sdk import ROWS, measure_sdk
from inpaint_bench.tables.whole import tables_of
from inpaint_eval.drawn import MASK_KINDS
from inpaint_eval.pictures import Ratio
from inpaint_eval.render import to_text

Command = Callable[..., None]


def listed(
    parse: Callable[[str], object] = str, *, empty: bool = False
) -> Callable[[str], list[Any]]:
    """A type of option: values with commas between them.

    parse: reads one; raises ``ValueError``. empty: whether there may be none.
    """

    def values(text: str) -> list[Any]:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts and not empty:
            raise click.BadParameter("give at least one")
        try:
            return [parse(part) for part in parts]
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return values


def size(text: str) -> Size:
    """``256``, or ``480x640`` for height and width."""
    found = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text)
    if found is None:
        raise ValueError(f"a size is like 256, or 480x640 for height and width, not {text!r}")
    return int(found[1]), int(found[2] or found[1])


def sizes_or_own(text: str) -> list[Size]:
    """Sizes by commas; none for ``own``."""
    return [] if text == "own" else listed(size)(text)


def shape(text: str) -> tuple[int, ...]:
    """``1x32x256x256``."""
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){3}", text):
        raise ValueError(f"a shape is like 1x32x256x256, of sizes from 1 up, not {text!r}")
    return tuple(int(side) for side in text.split("x"))


def ratio(text: str) -> str:
    """``10-20``, in one way of writing."""
    found = Ratio.parse(text)
    return f"{found.low:g}-{found.high:g}"


def named_file(text: str) -> tuple[str, str]:
    """``NAME=FILE``."""
    name, equals, path = text.partition("=")
    if not equals or not Path(path).is_file():
        raise click.BadParameter(f"it is like lama=lama_fp32.onnx, of a file that is there: {text}")
    return name, path


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
COUNT = click.IntRange(min=1)
BLOCKS = click.IntRange(min=3)
MODELS = click.option(
    "--models", type=listed(empty=True), default="photo", help="Names or files, by commas."
)
THREADS = click.option("--threads", type=COUNT, default=2)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Options that several commands have, in this order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


OUTPUT = together(
    click.option("--remarks", default="", help="What a reader must know of this run."),
    click.option("-o", "--output", type=FILE, required=True, help="The result file."),
)
CANDIDATES = together(
    MODELS,
    click.option(
        "--backends", type=listed(), default="onnxruntime-cpu", help="The SDK's, by commas."
    ),
    click.option(
        "--precisions",
        type=listed(),
        default="fp32",
        help="For int8, NAME-int8.onnx is taken beside NAME.onnx.",
    ),
    click.option(
        "--peers",
        type=listed(click.Choice(list(PEERS)), empty=True),
        default=",".join(PEERS),
        help=f"Of {', '.join(PEERS)}; may be empty.",
    ),
    click.option(
        "--onnx",
        multiple=True,
        type=named_file,
        metavar="NAME=FILE",
        help="Another's network: LaMa, MI-GAN, AOT-GAN, told by its inputs' names.",
    ),
)


def take_candidates(options: dict[str, Any]) -> list[CandidateKey]:
    """Every model on every backend in every precision, ONNX files on every backend, peers.

    options: a command's; those that choose candidates are taken out.
    """
    backends, precisions = options.pop("backends"), options.pop("precisions")
    models = itertools.product(options.pop("models"), backends, precisions)
    files = itertools.product(options.pop("onnx"), backends)
    found = [_key("model", Path(source).stem, source, *how) for source, *how in models]
    found += [_key("onnx", name, path, backend, "file's") for (name, path), backend in files]
    opencv = ("opencv-python-headless", "cpu", "uint8")
    found += [_key("peer", name, *opencv) for name in options.pop("peers")]
    labels = [candidate.label for candidate in found]
    if not labels:
        raise click.UsageError("there is nothing to measure: give --models or --peers")
    for label in labels:
        if labels.count(label) > 1:
            raise click.UsageError(f"{label} is named twice")
    return found


def _key(kind: Any, name: str, source: str, backend: str, precision: str) -> CandidateKey:
    return CandidateKey(kind=kind, name=name, source=source, backend=backend, precision=precision)


def _show(result: Result) -> None:
    click.echo(to_text(tables_of(result)))


@click.command("run")
@CANDIDATES
@click.option(
    "--scopes",
    type=listed(click.Choice(get_args(Scope))),
    default="call",
    help="call: pixels to pixels through the public API. network: the network alone.",
)
@click.option(
    "--sizes",
    type=sizes_or_own,
    default="256,512",
    help="Side, or HEIGHTxWIDTH; own: the pictures' own.",
)
@click.option("--holes", type=listed(ratio), default="10-20", help="In percent, by commas.")
@click.option("--batches", type=listed(COUNT), default="1", help="More than 1 in scope network.")
@click.option("--threads", type=listed(COUNT), default="2", help="Numbers, by commas.")
@click.option("--pictures", type=FOLDER, help="Instead of drawn ones; with --masks.")
@click.option("--masks", type=FOLDER, help="Folder of masks, white is hole.")
@click.option("--frames", type=COUNT, help="Pictures a case. [default: 1, or all]")
@click.option("--blocks", type=BLOCKS, default=48)
@click.option("--turn-seconds", default=0.1, help="Timed calls of a turn.")
@click.option(
    "--candidate-seconds",
    default=30.0,
    help="For one candidate in one case; slow ones get fewer turns.",
)
@click.option("--warmup-seconds", default=3.0, help="At most.")
@click.option("--energy-seconds", default=2.0, help="0: no energy.")
@click.option(
    "--timeout",
    default=900.0,
    help="Seconds to load and call once; TensorRT compiles an engine then, for minutes.",
)
@OUTPUT
def run_command(
    pictures: Path | None, masks: Path | None, remarks: str, output: Path, **asked: Any
) -> None:
    """Measure speed, memory and energy of models and peers.

    Every model on every backend in every precision, beside every peer: at each size, hole ratio,
    batch and number of threads. The output is written after each of these cases; the same command
    goes on where it was stopped.
    """
    from inpaint_bench.run import run

    if (pictures is None) != (masks is None):
        raise click.UsageError("--pictures and --masks belong together")
    if not asked["sizes"] and pictures is None:
        raise click.UsageError("--sizes own is of pictures: give --pictures and --masks")
    plan = RunPlan(
        candidates=take_candidates(asked),
        pictures=None if pictures is None else pictures.name,
        masks=None if masks is None else masks.name,
        protocol=Protocol(**{name: asked.pop(name) for name in Protocol.model_fields}),
        **asked,
    )
    _show(run(plan, output, pictures=pictures, masks=masks, remarks=remarks))


@click.command("quality")
@CANDIDATES
@click.option("--pictures", type=FOLDER, help="Folder of undamaged pictures.")
@click.option("--masks", type=FOLDER, multiple=True, help="Folder of masks; may be repeated.")
@click.option(
    "--kinds",
    type=listed(click.Choice(list(MASK_KINDS)), empty=True),
    default="",
    help=f"Drawn masks, by commas: {', '.join(MASK_KINDS)}; beside --masks.",
)
@click.option("--holes", type=listed(ratio), default="10-20,30-40", help="In percent, by commas.")
@click.option(
    "--pairs",
    type=FOLDER,
    help="Instead of pictures and masks: folders cloudy and clear, for models without a mask.",
)
@click.option("--limit", type=COUNT, help="Only the first pictures.")
@THREADS
@click.option(
    "--gallery",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for pictures of each group's worst and median case.",
)
@OUTPUT
def quality_command(
    pictures: Path | None,
    masks: tuple[Path, ...],
    kinds: list[str],
    holes: list[str],
    pairs: Path | None,
    limit: int | None,
    **asked: Any,
) -> None:
    """Measure how good models and peers are.

    PSNR, SSIM and gradient similarity in the hole and over the picture, and where its weights are
    installed a perceptual distance, by kind of mask and hole ratio. The output is written after
    each of these groups; the same command goes on where it was stopped.
    """
    from inpaint_bench import quality
    from inpaint_eval.perceptual import INSTALL, is_available

    if not is_available():
        click.echo(f"no perceptual distance; for it: {INSTALL}", err=True)
    candidates = take_candidates(asked)
    if pairs is not None and pictures is None:
        # Peers need a mask to work; what stands beside a model here is the picture as it came.
        candidates = [*(c for c in candidates if c.kind != "peer"), quality.DAMAGED]
        groups, source = [quality.with_pairs(pairs, limit)], f"{pairs.parent.name} {pairs.name}"
    elif pictures is not None and pairs is None:
        if not masks and not kinds:
            raise click.UsageError("give --masks, or --kinds of masks to be drawn")
        source = pictures.name
        groups = [quality.with_masks(pictures, m, r, limit) for m in masks for r in holes]
        groups += [quality.with_drawn_masks(pictures, k, r, limit) for k in kinds for r in holes]
    else:
        raise click.UsageError("give --pictures with --masks or --kinds, or else --pairs")
    _show(quality.measure_quality(groups, candidates, source, **asked))


@click.command("kernels")
@click.option(
    "--shapes",
    type=listed(shape),
    default="1x32x128x128,1x32x256x256,1x64x512x512,8x64x512x512",
    help="NxCxHxW, by commas.",
)
@THREADS
@click.option("--blocks", type=BLOCKS, default=24)
@click.option("--cuda-program", type=FILE, help="bench_scan, to measure the CUDA kernels too.")
@OUTPUT
def kernels_command(output: Path, **asked: Any) -> None:
    """Measure the recurrent scan: bytes, launches, and share of a copy's bandwidth."""
    from inpaint_bench.kernels import measure_kernels

    result = measure_kernels(**asked)
    write_result(result, output)
    _show(result)


@click.command("roofline")
@MODELS
@click.option("--sizes", type=listed(size), default="256,512", help="Side, or HEIGHTxWIDTH.")
@click.option(
    "--devices",
    type=listed(click.Choice(list(PUBLISHED))),
    default="orin-nano,orin-nano-super,agx-orin,thor",
    help=f"Of {', '.join(PUBLISHED)}, by commas.",
)
@click.option("--run", "runs", type=FILE, multiple=True, help="Results to set beside the bounds.")
@OUTPUT
def roofline_command(models: list[str], runs: tuple[Path, ...], output: Path, **asked: Any) -> None:
    """Say what models cost, and the least time that they can take on a device.

    Never a measurement: what is below the bound is impossible, what is above it may be. The output
    has every layer.
    """
    from inpaint_bench.roofline import find_bounds
    from inpaint_sdk.models.zoo import open_model

    results = [read_result(path, RunResult) for path in runs]
    result = find_bounds([open_model(model) for model in models], runs=results, **asked)
    write_result(result, output)
    _show(result)


@click.command("sdk")
@click.option(
    "--rows",
    type=listed(click.Choice(list(ROWS))),
    default=",".join(ROWS),
    help=f"Of {', '.join(ROWS)}, by commas.",
)
@OUTPUT
def sdk_command(rows: list[str], remarks: str, output: Path) -> None:
    """Measure the SDK around its networks: start, large pictures, video and streams.

    Each row is held to a bar, and runs in a process of its own. Rows that are in the output already
    and are not measured stay as they are.
    """
    _show(measure_sdk(rows, output, remarks))
