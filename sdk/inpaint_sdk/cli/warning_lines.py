"""Warnings of a command as lines for people."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from inpaint_sdk.errors import FileWarning
from inpaint_sdk.images.metadata import MetadataWarning


@contextmanager
def warning_lines() -> Iterator[None]:
    """Shows each time what could not be read or kept, without the code that Python would name."""
    with warnings.catch_warnings():
        for category in (FileWarning, MetadataWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = _show
        yield


def _show(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"warning: {message}", err=True)
