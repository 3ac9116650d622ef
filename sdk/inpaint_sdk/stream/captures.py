"""One connection to a camera, an address, a file or a GStreamer pipeline."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import SourceError

Pixels = NDArray[np.uint8]

NETWORK = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://", "srt://")

TIMEOUT_MS = 5000
"""For opening a network source, and for each of its frames."""

SLACK_SECONDS = 1.0
"""By how much a video's frames may end before the length that its file announces: another track may
be longer, and its last frame may stand for long. No more than a tenth of a short video."""


class ConnectionLostError(SourceError):
    """A live source gives no more frames; it may be reached again."""


class Capture(Protocol):
    """A connection that gives frames."""

    def read(self) -> Pixels | None:
        """The next frame, uint8 BGR [H, W, 3]; None at the end, or once released.

        Raises:
            ConnectionLostError: a live source was lost.
            SourceError: another source failed.
        """

    def release(self) -> None:
        """Ends the connection. Any thread may call it, also during a read, and more than once."""


class OpenCVCapture:
    """A connection through OpenCV.

    What OpenCV reads must not be released meanwhile: the process would crash. So a release during a
    read is done by the thread that reads, as soon as the read returns.
    """

    def __init__(self, name: str) -> None:
        import cv2

        self._cv2 = cv2
        self._name = without_password(name)
        self._is_device = name.isdecimal() or name.startswith("/dev/")
        self._is_network = name.startswith(NETWORK)
        self._lock = threading.Lock()
        self._released = False
        self._frames, self._seconds = 0, 0.0  # read so far, as the file counts time
        self._capture: Any
        if self._is_network:
            timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
            options = [number for timeout in timeouts for number in (timeout, TIMEOUT_MS)]
            self._capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, options)
        elif name.isdecimal():
            self._capture = cv2.VideoCapture(int(name))
        else:
            if not Path(name).exists():
                raise SourceError(f"there is no {'camera' if self._is_device else 'file'} {name}")
            self._capture = cv2.VideoCapture(name)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"cannot open {self._name}: not a camera, address or video that OpenCV can read"
            )
        self._fps: float = self._capture.get(cv2.CAP_PROP_FPS)
        self._length: float = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)  # unknown: not positive

    def read(self) -> Pixels | None:
        try:
            with self._lock:
                return None if self._released else self._read()
        finally:
            if self._released:
                self._release_unless_read()

    def release(self) -> None:
        self._released = True
        self._release_unless_read()

    def _release_unless_read(self) -> None:
        if self._lock.acquire(blocking=False):  # whoever has it looks for _released afterwards
            try:
                self._capture.release()
            finally:
                self._lock.release()

    def _read(self) -> Pixels | None:
        good, frame = self._capture.read()
        if good:
            self._frames += 1
            if self._is_network:
                self._seconds = self._capture.get(self._cv2.CAP_PROP_POS_MSEC) / 1000
            return frame  # type: ignore[no-any-return]
        if self._is_device:
            raise SourceError(f"the camera {self._name} was lost")
        if self._is_network and not self._length > 0:
            raise ConnectionLostError(f"{self._name} was lost")
        if self._is_network and not self._is_complete():
            raise SourceError(
                f"the connection to {self._name} broke after {self._frames} of about "
                f"{self._length:.0f} frames; open it again, or download the video first"
            )
        return None

    def _is_complete(self) -> bool:
        if self._frames >= self._length or not self._fps > 0:
            return self._frames >= self._length
        length = self._length / self._fps
        return self._seconds + 1 / self._fps >= length - min(SLACK_SECONDS, length / 10)


def open_capture(name: str) -> Capture:
    """Connects to what ``name`` names, as :func:`inpaint_sdk.stream.open_source` reads it.

    Raises:
        SourceError: it cannot be opened.
    """
    if name.split("!")[-1].split()[:1] == ["appsink"]:
        from inpaint_sdk.gstreamer.source import PipelineCapture

        return PipelineCapture(name)
    return OpenCVCapture(name)


def without_password(name: str) -> str:
    """An address as messages and logs may show it.

    >>> without_password("rtsp://admin:secret@camera/1")
    'rtsp://camera/1'
    """
    return re.sub(r"(?<=://)[^/\s]*@", "", name)
