"""``inpaint-sdk serve`` as a process of its own, and pictures for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import httpx2
from numpy.typing import NDArray
from PIL import Image


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address; it is killed if it is still there at the end."""
    command = [sys.executable, "-m", "inpaint_sdk", "serve", "--port", "0", "--threads", "2"]
    started = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert started.stdout is not None
        line = started.stdout.readline()
        found = re.search(r"http\S+", line)
        assert found is not None, line
        yield started, found[0]
    finally:
        started.kill()
        started.communicate()


def png(pixels: NDArray[Any]) -> bytes:
    """A PNG's bytes."""
    Image.fromarray(pixels).save(file := BytesIO(), format="PNG")
    return file.getvalue()


def until_ready(address: str) -> None:
    """Returns when all models are loaded."""
    deadline = time.monotonic() + 120
    while httpx2.get(f"{address}readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
