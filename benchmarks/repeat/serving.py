"""A server of ``inpaint-sdk serve`` for the programs beside, which measure it from outside."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import psutil


@contextmanager
def server(*options: str) -> Iterator[tuple[psutil.Process, str]]:
    """The process and its address, as soon as it can be asked; it ends with the context."""
    command = [sys.executable, "-m", "inpaint_sdk", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http\S+", process.stdout.readline())
            if found is None:
                raise click.ClickException("the server does not start")
            yield psutil.Process(process.pid), found[0]
        finally:
            process.terminate()
