"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from inpaint_sdk.tasks.detection import DETECTOR, DetectionOptions

_DEFAULT = DetectionOptions()

_threshold = click.option(
    "--threshold",
    type=float,
    default=_DEFAULT.threshold,
    show_default=True,
    help="Without a mask: how probable damage must be, between 0 and 1.",
)

_certainty = click.option(
    "--certainty",
    type=float,
    default=_DEFAULT.certainty,
    show_default=True,
    help="Without a mask: how probable some pixel of a damaged place must be for it to count.",
)

_detector = click.option(
    "--detector",
    default=DETECTOR,
    show_default=True,
    help="What finds damage: name, or path of a model file.",
)


def detection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found, and how far around it a picture is restored."""
    dilation = click.option(
        "--dilation",
        type=int,
        default=_DEFAULT.dilation,
        show_default=True,
        help="Without a mask: pixels around what is found that are restored too.",
    )
    return finding_options(dilation(command))


def finding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found: ``threshold``, ``certainty`` and ``detector``."""
    return _threshold(_certainty(_detector(command)))
