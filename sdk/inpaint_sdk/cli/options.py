"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from inpaint_sdk.runners.detector import DETECTOR, DetectionOptions

_detector = click.option(
    "--detector",
    default=DETECTOR,
    show_default=True,
    help="What finds damage: name, or path of a model file.",
)


def finding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found: ``threshold``, ``min_mean_probability`` and ``detector``."""
    command = _detector(command)
    certain = "how probable it must be on average in a place that counts."
    command = _add(command, "min_mean_probability", certain)
    return _add(command, "threshold", "how probable damage must be, between 0 and 1.")


def detection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found, and how far around it a picture is restored."""
    around = "pixels around what is found that are restored too."
    return finding_options(_add(command, "dilation", around))


def _add(command: Callable[..., Any], name: str, text: str) -> Callable[..., Any]:
    """Adds an option for what :class:`DetectionOptions` calls so."""
    default: float = getattr(DetectionOptions(), name)
    help_ = f"Without a mask: {text}"
    option = click.option(
        f"--{name}", type=type(default), default=default, show_default=True, help=help_
    )
    return option(command)
