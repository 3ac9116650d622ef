"""Options that several commands have, and how their texts are read."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from inpaint_bench.peers import PEERS
from inpaint_bench.schema.common import CandidateKey, Size
from inpaint_eval.pictures import Ratio

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


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Reads a name, which must be one of these."""

    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"there is no {text!r}; there are {', '.join(names)}")
        return text

    return parse


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


def count(text: str) -> int:
    """A number from 1 up."""
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"it is a list of numbers from 1 up, like 1,2, not {text!r}")
    return int(text)


def ratio(text: str) -> str:
    """``10-20``, in one way of writing."""
    found = Ratio.parse(text)
    return f"{found.low:g}-{found.high:g}"


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
MODELS = click.option(
    "--models", type=listed(empty=True), default="photo", help="Names or files, by commas."
)
THREADS = click.option("--threads", type=click.IntRange(min=1), default=2)


def output_options(command: Command) -> Command:
    """``--remarks`` and ``--output``, which every command has that measures."""
    remarks = click.option("--remarks", default="", help="What a reader must know of this run.")
    output = click.option("-o", "--output", type=FILE, required=True, help="The result file.")
    return remarks(output(command))


def holes_option(default: str) -> Callable[[Command], Command]:
    """``--holes``."""
    return click.option(
        "--holes", type=listed(ratio), default=default, help="Hole ratios in percent, by commas."
    )


def _onnx_files(_: object, __: object, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """``NAME=FILE``, several times."""
    files = []
    for text in values:
        name, equals, path = text.partition("=")
        if not equals or not Path(path).is_file():
            raise click.UsageError(
                f"--onnx is like lama=lama_fp32.onnx, with a file that is there: {text}"
            )
        files.append((name, path))
    return files


_CANDIDATE_OPTIONS = (
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
        type=listed(one_of(list(PEERS)), empty=True),
        default=",".join(PEERS),
        help=f"Of {', '.join(PEERS)}; may be empty.",
    ),
    click.option(
        "--onnx",
        multiple=True,
        callback=_onnx_files,
        metavar="NAME=FILE",
        help="Another's network: LaMa, MI-GAN, AOT-GAN, told by its inputs' names.",
    ),
)


def candidate_options(command: Command) -> Command:
    """The options that choose what is measured; the command gets ``candidates``.

    They are every model on every backend in every precision, ONNX files on every backend, peers.
    """

    @functools.wraps(command)
    def with_candidates(
        models: list[str],
        backends: list[str],
        precisions: list[str],
        peers: list[str],
        onnx: list[tuple[str, str]],
        **others: Any,
    ) -> None:
        found = [
            _key("model", Path(m).stem if Path(m).suffix else m, m, backend, precision)
            for m in models
            for backend in backends
            for precision in precisions
        ]
        found += [_key("onnx", *file, backend, "file's") for file in onnx for backend in backends]
        found += [_key("peer", name, PEERS[name].library, "cpu", "uint8") for name in peers]
        labels = [candidate.label for candidate in found]
        if not labels:
            raise click.UsageError("there is nothing to measure: give --models or --peers")
        for label in labels:
            if labels.count(label) > 1:
                raise click.UsageError(f"{label} is named twice")
        command(candidates=found, **others)

    for option in reversed(_CANDIDATE_OPTIONS):
        with_candidates = option(with_candidates)
    return with_candidates


def _key(kind: Any, name: str, source: str, backend: str, precision: str) -> CandidateKey:
    return CandidateKey(kind=kind, name=name, source=source, backend=backend, precision=precision)
