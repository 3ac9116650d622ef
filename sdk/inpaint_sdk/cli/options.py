"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from inpaint_sdk.tasks.detection import DETECTOR, DetectionOptions

_DEFAULT = DetectionOptions()

threshold_option = click.option(
    "--threshold",
    type=float,
    default=_DEFAULT.threshold,
    show_default=True,
    help="Without a mask: how probable damage must be, between 0 and 1.",
)

detector_option = click.option(
    "--detector",
    default=DETECTOR,
    show_default=True,
    help="What finds damage: name, or path of a model file.",
)


def detection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found: ``threshold``, ``dilation`` and ``detector``."""
    dilation = click.option(
        "--dilation",
        type=int,
        default=_DEFAULT.dilation,
        show_default=True,
        help="Without a mask: pixels around what is found that are restored too.",
    )
    return threshold_option(dilation(detector_option(command)))
