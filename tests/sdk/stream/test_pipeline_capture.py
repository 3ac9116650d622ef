"""Pipelines as sources against the real GStreamer, in the Python that has its bindings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inpaint_sdk.errors import BackendError
from inpaint_sdk.gstreamer import plugin_settings

START = """
import threading, time
from inpaint_sdk import SourceError
from inpaint_sdk.stream import Stream, open_source
"""


def run(program: str) -> str:
    """What a program prints that ends well."""
    try:
        environment = {**os.environ, **plugin_settings()}
    except BackendError as error:
        pytest.skip(str(error))
    python = Path("/usr/bin") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not python.exists():
        pytest.skip(f"there is no {python}, whose PyGObject Debian's is")
    command = [str(python), "-c", START + program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "CRITICAL" not in done.stderr
    return done.stdout


def test_a_pipeline_ends() -> None:
    program = """
source = open_source("videotestsrc num-buffers=4 ! videoconvert ! appsink")
print(len(list(source)), list(source))
"""
    assert run(program) == "4 []\n"


def test_closing_during_a_read_ends_it_at_once() -> None:
    """A frame would come after a minute, and the read would time out before."""
    program = """
source = open_source(
    "videotestsrc is-live=true ! video/x-raw,framerate=1/60 ! videoconvert ! appsink"
)
found = []
reader = threading.Thread(target=lambda: found.append(list(source)))
reader.start()
time.sleep(0.2)
source.close()
reader.join(4)
print(found, reader.is_alive())
"""
    assert run(program) == "[[]] False\n"


def test_closing_while_frames_are_read() -> None:
    program = """
for _ in range(20):
    source = open_source("videotestsrc is-live=false ! videoconvert ! appsink")
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    time.sleep(0.01)
    source.close()
    reader.join(20)
    assert not reader.is_alive()
print("ended")
"""
    assert run(program) == "ended\n"


def test_a_pipeline_that_fails_is_a_source_error() -> None:
    program = """
source = open_source(
    "videotestsrc ! video/x-raw,width=64,height=48 ! identity error-after=3 ! videoconvert"
    " ! appsink"
)
count = 0
try:
    for _ in source:
        count += 1
except SourceError as error:
    print(count > 0, error)
print(list(source))
"""
    first, last = run(program).splitlines()
    assert first.startswith("True GStreamer stopped running 'videotestsrc")
    assert last == "[]"


def test_a_program_may_end_with_an_open_pipeline() -> None:
    program = """
frames = Stream(open_source("videotestsrc ! videoconvert ! appsink"), lambda image: image)
print(next(frames).image.shape[2])
"""
    assert run(program) == "3\n"
