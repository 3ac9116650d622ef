"""Options that several commands have, and how their texts are read."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from inpaint_bench.errors import BenchError
from inpaint_bench.peers import PEERS
from inpaint_bench.schema.common import CandidateKey, Size
from inpaint_eval.pictures import Ratio

F = TypeVar("F", bound=Callable[..., Any])

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

OUTPUT = click.option("-o", "--output", type=FILE, required=True, help="The result file.")
REMARKS = click.option("--remarks", default="", help="What a reader must know of this run.")
THREADS = click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
HOLES = click.option("--holes", default="10-20", show_default=True, help="Hole ratios in percent.")
FPS = click.option(
    "--fps", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True
)


def _read_plan(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(f"cannot read the plan {path}: {error}") from error
    options = {
        name.lstrip("-"): parameter
        for parameter in ctx.command.params
        for name in parameter.opts
        if name.startswith("--")
    }
    defaults = {}
    for name, value in values.items():
        if name not in options:
            raise click.UsageError(
                f"{path}: there is no option {name!r}; there are {', '.join(sorted(options))}"
            )
        parameter = options[name]
        if isinstance(value, list) and not getattr(parameter, "multiple", False):
            value = ",".join(str(v) for v in value)
        defaults[str(parameter.name)] = value
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


_CANDIDATE_OPTIONS = (
    click.option("--models", default="photo", show_default=True, help="Names or files, by commas."),
    click.option(
        "--backends", default="onnxruntime-cpu", show_default=True, help="The SDK's, by commas."
    ),
    click.option(
        "--precisions",
        default="fp32",
        show_default=True,
        help="For int8, NAME-int8.onnx is taken beside NAME.onnx.",
    ),
    click.option(
        "--peers",
        default="opencv-telea,opencv-ns",
        show_default=True,
        help=f"Of {', '.join(PEERS)}; may be empty.",
    ),
    click.option(
        "--onnx",
        multiple=True,
        metavar="NAME=FILE",
        help="Another's network: LaMa, MI-GAN, AOT-GAN, told by its inputs' names.",
    ),
    click.option(
        "--plan",
        type=FILE,
        is_eager=True,
        expose_value=False,
        callback=_read_plan,
        help="TOML file with values of these options; those given here win.",
    ),
)


def candidate_options(command: F) -> F:
    """The options that choose what is measured: see :func:`candidates`."""
    for option in reversed(_CANDIDATE_OPTIONS):
        command = option(command)
    return command


def candidates(
    models: str, backends: str, precisions: str, peers: str, onnx: tuple[str, ...]
) -> list[CandidateKey]:
    """Every model on every backend in every precision, then the peers.

    Raises:
        BenchError: no peer of that name, two candidates of one label, or none at all.
    """
    found = [
        CandidateKey(
            kind="model",
            name=Path(model).stem if Path(model).suffix else model,
            source=model,
            backend=backend,
            precision=precision,
        )
        for model in split(models)
        for backend in split(backends)
        for precision in split(precisions)
    ]
    for entry in onnx:
        name, equals, path = entry.partition("=")
        if not equals or not Path(path).is_file():
            raise BenchError(
                f"--onnx is like lama=lama_fp32.onnx, with a file that is there: {entry}"
            )
        found += [
            CandidateKey(kind="onnx", name=name, source=path, backend=backend, precision="file's")
            for backend in split(backends)
        ]
    for name in split(peers):
        if name not in PEERS:
            raise BenchError(f"there is no peer {name!r}; there are {', '.join(PEERS)}")
        library = PEERS[name].library
        found.append(
            CandidateKey(kind="peer", name=name, source=library, backend="cpu", precision="uint8")
        )
    labels = [candidate.label for candidate in found]
    if not labels:
        raise BenchError("there is nothing to measure: give --models or --peers")
    for label in labels:
        if labels.count(label) > 1:
            raise BenchError(f"{label} is named twice")
    return found


def split(text: str) -> list[str]:
    """The parts of a list by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def sizes(text: str) -> list[Size]:
    """``256,480x640`` as heights and widths; ``own`` as none.

    Raises:
        BenchError: it is not like that.
    """
    return [] if text.strip() == "own" else [_size(part) for part in split(text)]


def _size(text: str) -> Size:
    found = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text)
    if found is None:
        raise BenchError(f"a size is like 256, or 480x640 for height and width, not {text!r}")
    return int(found[1]), int(found[2] or found[1])


def shape(text: str) -> tuple[int, int, int, int]:
    """``1x32x256x256`` as sizes; raises ``BenchError``."""
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){3}", text):
        raise BenchError(f"a shape is like 1x32x256x256, of sizes from 1 up, not {text!r}")
    n, c, h, w = (int(size) for size in text.split("x"))
    return n, c, h, w


def counts(text: str, what: str) -> list[int]:
    """``1,2`` as numbers from 1 up; raises ``BenchError``."""
    parts = split(text)
    if not parts or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise BenchError(f"{what} is a list of numbers from 1 up, like 1,2, not {text!r}")
    return [int(part) for part in parts]


def ratios(text: str) -> list[str]:
    """``10-20,30-40``, checked; raises ``ValueError``."""
    return [f"{Ratio.parse(part).low:g}-{Ratio.parse(part).high:g}" for part in split(text)]


def both_or_none(values: Mapping[str, Path | None]) -> None:
    """Raises ``BenchError`` if one option is given without the other."""
    if len({value is None for value in values.values()}) > 1:
        raise BenchError(f"{' and '.join(values)} belong together")
