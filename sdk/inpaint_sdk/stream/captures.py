"""One connection to a camera, an address, a file or a GStreamer pipeline."""

from __future__ import annotations

import re
import threading
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import FileWarning, SourceError
from inpaint_sdk.media.pixels import to_8bit
from inpaint_sdk.media.reading import open_video

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


class _Library:
    """A connection through a library in which a release during a read would crash the process.

    So that is done by the thread that reads, as soon as the read returns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._released = False

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
                self._release()
            finally:
                self._lock.release()

    def _read(self) -> Pixels | None:
        raise NotImplementedError

    def _release(self) -> None:
        """May come more than once."""
        raise NotImplementedError


class FileCapture(_Library):
    """A video file, read as :func:`inpaint_sdk.restore_video` reads it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._file = ExitStack()
        self._video = self._file.enter_context(open_video(Path(name), SourceError))
        self._items = self._video.read()
        self._file.callback(self._items.close)

    def _read(self) -> Pixels | None:
        from av import VideoFrame

        for item in self._items:
            if isinstance(item, VideoFrame):
                return to_8bit(item, "bgr")
        if self._video.damaged_packets:
            warnings.warn(self._video.damage, FileWarning, stacklevel=4)
        return None

    def _release(self) -> None:
        self._file.close()


class OpenCVCapture(_Library):
    """A camera or an address, through OpenCV."""

    def __init__(self, name: str) -> None:
        import cv2

        super().__init__()
        self._cv2 = cv2
        self._name = without_password(name)
        self._is_device = name.isdecimal() or name.startswith("/dev/")
        self._is_network = name.startswith(NETWORK)
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
                raise SourceError(f"there is no camera {name}")
            self._capture = cv2.VideoCapture(name)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"cannot open {self._name}: not a camera or address that OpenCV can read"
            )
        self._fps: float = self._capture.get(cv2.CAP_PROP_FPS)
        self._length: float = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)  # unknown: not positive

    def _release(self) -> None:
        self._capture.release()

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
        BackendError: it is a file, and PyAV is not installed.
        SourceError: it cannot be opened.
    """
    if name.split("!")[-1].split()[:1] == ["appsink"]:
        from inpaint_sdk.gstreamer.source import PipelineCapture

        return PipelineCapture(name)
    is_device = name.startswith("/dev/") and not Path(name).is_file()  # as below /dev/shm
    if name.isdecimal() or is_device or name.startswith(NETWORK):
        return OpenCVCapture(name)
    return FileCapture(name)


def without_password(name: str) -> str:
    """An address as messages and logs may show it.

    >>> without_password("rtsp://admin:secret@camera/1")
    'rtsp://camera/1'
    """
    return re.sub(r"(?<=://)[^/\s]*@", "", name)
