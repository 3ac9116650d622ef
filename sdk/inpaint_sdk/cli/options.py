"""Options that several commands have, and the objects that they become."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypedDict, get_args

import click
from click.shell_completion import CompletionItem

from inpaint_sdk.models.info import PrecisionChoice
from inpaint_sdk.models.zoo import model_names
from inpaint_sdk.options import Clouds, DetectionOptions, MaskMarks, Options, Strategy
from inpaint_sdk.policies.make import DETECTOR

Command = Callable[..., Any]


class ModelPath(click.Path):
    """A model's name or its file's path, a string; shells complete either.

    names: others beside those of the models that come with the SDK.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self._names = names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that begin so, or else files."""
        names = (*self._names, *model_names())
        found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return found or super().shell_complete(ctx, param, incomplete)


class Loading(TypedDict):
    """What ``Restorer.load`` and ``Detector.load`` are told of the machine."""

    backend: str
    device: str | None
    threads: int | None
    precision: PrecisionChoice


def _split(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> frozenset[str] | None:
    words = [word.strip() for item in given for word in item.split(",")]
    return frozenset(words) if words else None


_OF_DETECTION = vars(DetectionOptions())
_DEFAULTS = {**vars(Options()), **_OF_DETECTION}

_OPTIONS: dict[str, dict[str, Any]] = {
    "strategy": {
        "type": click.Choice(get_args(Strategy)),
        "help": "How a large picture is shown to the model.",
    },
    "memory_mb": {
        "type": int,
        "help": "Bound of the model's working memory; decides how a large picture is cut.",
    },
    "threshold": {
        "type": float,
        "help": "Probability from which a pixel counts as damaged, between 0 and 1.",
    },
    "min_mean_probability": {
        "type": float,
        "help": "Probability that a damaged region must have on average to count.",
    },
    "dilation": {"type": int, "help": "Pixels around found damage that are restored too."},
    "kinds": {
        "multiple": True,
        "metavar": "KIND[,KIND...]",
        "callback": _split,
        "help": "Kinds of damage to look for; may be repeated.  [default: all but overlay]",
    },
    "enhance": {
        "is_flag": True,
        "help": "With --model auto: also clean noise, blur and compression.",
    },
    "strength": {
        "type": float,
        "help": "How far cleaning may change a picture, from 0 to 1.",
    },
    "texture": {
        "type": float,
        "help": "Texture of like places for the inside of wide holes, from 0 to 1.",
    },
    "mask_marks": {
        "type": click.Choice(get_args(MaskMarks)),
        "help": "What a mask marks: holes to be filled, or damage, which --model auto undoes by "
        "what shows through it.",
    },
    "add_found": {
        "type": click.Choice(["add"]),
        "default": None,
        "callback": lambda _, __, given: given == "add",
        "help": "With a mask: also restore the damage that is found outside of it.",
    },
}

_FLAGS = {"add_found": "--detect"}


def with_options(*names: str) -> Callable[[Command], Command]:
    """Adds fields of :class:`Options` to a command, which gets one object, ``options``.

    names: of the fields, of :class:`DetectionOptions` too; all if none is given.
    """
    names = names or tuple(_OPTIONS)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def called(**given: Any) -> Any:
            found = {name: given.pop(name) for name in names if name in _OF_DETECTION}
            values = {name: given.pop(name) for name in names if name not in _OF_DETECTION}
            return command(**given, options=Options(**values, detection=DetectionOptions(**found)))

        for name in reversed(names):
            settings = {"default": _DEFAULTS[name], "show_default": name != "kinds"}
            flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
            called = click.option(flag, name, **{**settings, **_OPTIONS[name]})(called)
        return called

    return decorate


def with_loading(command: Command) -> Command:
    """Adds what says where models run; the command gets a :class:`Loading`, ``loading``."""

    @functools.wraps(command)
    def called(
        *,
        backend: str,
        device: str | None,
        threads: int | None,
        precision: PrecisionChoice,
        **given: Any,
    ) -> Any:
        loading: Loading = {
            "backend": backend,
            "device": device,
            "threads": threads,
            "precision": precision,
        }
        return command(**given, loading=loading)

    for option in (
        click.option(
            "--precision",
            type=click.Choice(get_args(PrecisionChoice)),
            default="auto",
            show_default=True,
            help="Of the models; auto: the fastest here that loses next to nothing.",
        ),
        click.option("--threads", type=int, help="CPU threads for one picture."),
        click.option("--device", help="cpu, cuda or cuda:1.  [default: what the backend prefers]"),
        click.option(
            "--backend",
            default="auto",
            show_default=True,
            help="What runs the models, as `inpaint-sdk doctor` lists.",
        ),
    ):
        called = option(called)
    return called


def with_model(command: Command) -> Command:
    """Adds what restores: ``model`` and ``clouds``, as ``Restorer.load`` takes them."""
    command = click.option(
        "--clouds",
        type=click.Choice(get_args(Clouds)),
        help="With --model auto: a satellite's pictures, with such clouds to be removed.",
    )(command)
    return click.option(
        "--model",
        type=ModelPath("auto"),
        metavar="MODEL",
        default="photo",
        show_default=True,
        help="Name, path of a model file, or auto: what each picture needs.",
    )(command)


with_detector = click.option(
    "--detector",
    type=ModelPath(),
    metavar="MODEL",
    default=DETECTOR,
    show_default=True,
    help="Model that finds damage: a name, or the path of a model file.",
)

with_overwrite_input = click.option(
    "--overwrite-input", is_flag=True, help="Allow the output to replace an input."
)
