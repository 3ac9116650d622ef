"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from inpaint_sdk.tasks.detection import DETECTOR, DetectionOptions

_detector = click.option(
    "--detector",
    default=DETECTOR,
    show_default=True,
    help="What finds damage: name, or path of a model file.",
)


def _setting(name: str, text: str) -> Callable[..., Any]:
    """An option for what :class:`DetectionOptions` calls so."""
    default = getattr(DetectionOptions(), name)
    text = f"Without a mask: {text}"
    option: Callable[..., Any] = click.option(
        f"--{name}", type=type(default), default=default, show_default=True, help=text
    )
    return option


def finding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found: ``threshold``, ``certainty`` and ``detector``."""
    threshold = _setting("threshold", "how probable damage must be, between 0 and 1.")
    certainty = _setting("certainty", "how probable it must be somewhere in a place that counts.")
    return threshold(certainty(_detector(command)))


def detection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says how damage is found, and how far around it a picture is restored."""
    dilation = _setting("dilation", "pixels around what is found that are restored too.")
    return finding_options(dilation(command))
