"""Frames from cameras, streams of the network, files and GStreamer pipelines, by name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import SourceError

Pixels = NDArray[np.uint8]

NETWORK = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://", "srt://")

TIMEOUT_MS = 5000
"""For opening a network source, and for each of its frames."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each attempt to reach a lost source again; the last one repeats."""


class _Capture(Protocol):
    """What OpenCV's captures and ours have."""

    def read(self) -> tuple[bool, Any]: ...

    def release(self) -> None: ...


class Source:
    """An iterator of BGR frames, uint8 [H, W, 3]. Made by :func:`open_source`.

    reconnects: how often a lost network source was reached again.
    """

    def __init__(self, name: str, patience: float) -> None:
        self._name = name
        self._is_network = name.startswith(NETWORK)
        self._patience = patience
        self._closed = False
        self.reconnects = 0
        self._capture: _Capture | None = _open(name)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Pixels]:
        return self

    def __next__(self) -> Pixels:
        while self._capture is not None:
            good, frame = self._capture.read()
            if good:
                return frame  # type: ignore[no-any-return]
            self._capture.release()
            self._capture = self._again() if self._is_network and not self._closed else None
            if self._capture is None and _is_device(self._name) and not self._closed:
                raise SourceError(f"the camera {self._name} was lost")
        raise StopIteration

    def close(self) -> None:
        """Releases the device or connection; the iteration ends."""
        self._closed = True
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _again(self) -> _Capture:
        until = time.monotonic() + self._patience
        for attempt in range(10**9):
            pause = PAUSES[min(attempt, len(PAUSES) - 1)]
            if time.monotonic() + pause > until:
                break
            time.sleep(pause)
            try:
                capture = _open(self._name)
            except SourceError:
                continue
            self.reconnects += 1
            return capture
        raise SourceError(f"{self._name} was lost and not to be reached for {self._patience:g} s")


def open_source(name: str | int, *, patience: float = 30.0) -> Source:
    """Opens a source of frames by its name.

    >>> from inpaint_sdk.stream import open_source
    >>> with open_source("clip.mp4") as source:
    ...     frame = next(source)
    >>> frame.shape
    (120, 160, 3)

    Args:
        name: a camera's number (``0``) or device (``/dev/video0``); an address (``rtsp://...``); a
            video file; or a GStreamer pipeline that ends in an appsink
            (``videotestsrc ! videoconvert ! appsink``).
        patience: seconds to try to reach a network source again when it was lost. It is tried after
            0.2 s and then less and less often.

    Raises:
        SourceError: it cannot be opened, now, or when it was lost while iterating.
    """
    return Source(str(name), patience)


def _is_device(name: str) -> bool:
    return name.isdecimal() or name.startswith("/dev/")


def _open(name: str) -> _Capture:
    if name.split("!")[-1].split()[:1] == ["appsink"]:
        from inpaint_sdk.gstreamer.source import PipelineCapture

        return PipelineCapture(name)
    import cv2

    capture: Any
    if name.startswith(NETWORK):
        open_timeout, read_timeout = cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC
        timeouts = [open_timeout, TIMEOUT_MS, read_timeout, TIMEOUT_MS]
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, timeouts)
    elif name.isdecimal():
        capture = cv2.VideoCapture(int(name))
    else:
        if not Path(name).exists():
            raise SourceError(f"there is no {'camera' if _is_device(name) else 'file'} {name}")
        capture = cv2.VideoCapture(name)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"cannot open {name}: not a camera, address or video that OpenCV can read"
        )
    opened: _Capture = capture
    return opened
