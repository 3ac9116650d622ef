"""Frames from cameras, streams of the network, files and GStreamer pipelines, by name."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from itertools import chain, repeat

from inpaint_sdk.errors import SourceError
from inpaint_sdk.stream.captures import (
    ConnectionLostError,
    Pixels,
    open_capture,
    without_password,
)

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each attempt to reach a lost source again; the last one repeats."""

_LOG = logging.getLogger(__name__)


class Source:
    """An iterator of BGR frames, uint8 [H, W, 3]. Made by :func:`open_source`.

    reconnects: how often a lost live source was reached again.
    """

    def __init__(self, name: str, patience: float) -> None:
        self._name = name
        self._patience = patience
        self._closed = threading.Event()
        self.reconnects = 0
        self._capture = open_capture(name)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Pixels]:
        return self

    def __next__(self) -> Pixels:
        try:
            frame = None if self._closed.is_set() else self._read()
        except SourceError:
            if not self._closed.is_set():
                self.close()
                raise
            frame = None
        if frame is None or self._closed.is_set():
            self.close()
            raise StopIteration
        return frame

    def close(self) -> None:
        """Releases the device or connection; the iteration ends.

        Another thread may be in ``next``: waiting for a lost source ends at once, and a pipeline's
        frame is no longer waited for. Another read cannot be broken off; what it reads from is
        released when it returns, from the network within 5 s.
        """
        self._closed.set()
        self._capture.release()

    def _read(self) -> Pixels | None:
        try:
            return self._capture.read()
        except ConnectionLostError:
            return self._reconnect()

    def _reconnect(self) -> Pixels | None:
        """The first frame of a new connection; None when closed meanwhile."""
        name = without_password(self._name)
        _LOG.warning("%s was lost; trying to reach it for %g s", name, self._patience)
        until = time.monotonic() + self._patience
        for attempt, pause in enumerate(chain(PAUSES, repeat(PAUSES[-1])), 1):
            self._capture.release()
            if time.monotonic() + pause > until:
                break
            if self._closed.wait(pause):
                return None
            try:
                self._capture = open_capture(self._name)
                if self._closed.is_set():  # close() may have released the one before
                    return None
                frame = self._capture.read()
            except SourceError as error:
                _LOG.info("attempt %d: %s", attempt, error)
                continue
            if frame is not None:
                self.reconnects += 1
                _LOG.warning("%s was reached again with attempt %d", name, attempt)
            return frame
        raise SourceError(f"{name} was lost and could not be reached for {self._patience:g} s")


def open_source(name: str | int, *, patience: float = 30.0) -> Source:
    """Opens a source of frames by its name.

    Args:
        name: a camera's number (``0``) or device (``/dev/video0``); an address (``rtsp://...``); a
            video file, which is read as by :func:`restore_video` and is shown upright; or a
            GStreamer pipeline that ends in an appsink (``videotestsrc ! videoconvert ! appsink``).
        patience: seconds to try to reach a lost live source again. It is tried after 0.2 s and then
            less and less often. What comes from the network is live unless it has a length; a video
            that has one ends with its last frame.

    Raises:
        BackendError: it is a file, and PyAV is not installed.
        SourceError: it cannot be opened. While iterating: a camera was lost, a live source could
            not be reached again, or the connection broke before the end of a video.

    Examples:
        >>> from inpaint_sdk import open_source
        >>> with open_source("clip.mp4") as source:
        ...     frame = next(source)
        >>> frame.shape
        (120, 160, 3)
    """
    return Source(str(name), patience)
