from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inpaint_sdk import BackendError, SourceError
from inpaint_sdk.stream import open_source, sources
from inpaint_sdk.stream.captures import ConnectionLostError, OpenCVCapture, without_password

av = pytest.importorskip("av")

PATIENCE = 30.0
"""Seconds after which a test gives up waiting for another thread."""

FRAME = np.zeros((48, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty frames that get brighter, 2 s of Motion JPEG."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    assert writer.isOpened()
    for index in range(50):
        writer.write(np.full((48, 64, 3), 4 * index, np.uint8))
    writer.release()
    return path


def test_a_file_ends(clip: Path) -> None:
    with open_source(str(clip)) as source:
        frames = list(source)
        assert list(source) == []
    assert [round(float(f.mean()) / 4) for f in frames] == list(range(50))
    assert source.reconnects == 0


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_a_file_is_shown_upright_in_8_bits(tmp_path: Path, pix_fmt: str) -> None:
    """By the same reader as a video that is restored."""
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        (stream.height, stream.width), stream.pix_fmt = (48, 64), pix_fmt
        stream.set_display_rotation(90)
        picture = np.repeat(np.arange(64, dtype=np.uint8) * 3, 48).reshape(64, 48).T
        picture = np.dstack([picture, 200 - picture, 0 * picture])
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_source(str(path)) as source:
        frames = list(source)
    assert [(frame.shape, frame.dtype) for frame in frames] == 3 * [((64, 48, 3), np.uint8)]
    shown = np.rot90(picture)[..., ::-1].astype(int)
    assert np.abs(frames[0] - shown).mean() < 8.0


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no shared memory")
def test_a_file_in_shared_memory_is_no_camera(clip: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = shutil.copy(clip, folder)
        with open_source(path) as source, open_source(str(clip)) as expected:
            assert len(list(source)) == len(list(expected))


def test_a_file_needs_pyav(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # as if it were not installed
    with pytest.raises(BackendError, match=r"pip install 'inpaint-sdk\[video\]'"):
        open_source(str(clip))


def test_a_file_may_be_closed_while_it_is_read(clip: Path) -> None:
    for _ in range(20):
        source = open_source(str(clip))
        with ThreadPoolExecutor(1) as pool:
            frames = pool.submit(list, source)
            time.sleep(0.002)
            source.close()
            assert len(frames.result(PATIENCE)) <= 50


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.mp4", "there is no file none.mp4"),
        ("/dev/video77", "there is no camera /dev/video77"),
        (77, "cannot open 77"),
        ("rtsp://user:secret@127.0.0.1:9/none", "cannot open rtsp://127.0.0.1:9/none"),
    ],
)
def test_sources_that_cannot_be_opened(name: str | int, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(name)


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(SourceError, match=r"cannot read .*text\.mp4, it may be damaged"):
        open_source(str(tmp_path / "text.mp4"))


@contextmanager
def serve(content: bytes, kind: str, *, length: int | None, times: int = 100) -> Iterator[str]:
    """Serves ``content`` over HTTP, ``times`` times, and says that it is ``length`` bytes."""
    served = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal served
            if served >= times:
                self.send_error(404)
                return
            served += 1
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("known", [True, False])
def test_a_video_from_the_network_ends(clip: Path, known: bool) -> None:
    """Whether or not the server says how many bytes it has: the file says how many frames."""
    content = clip.read_bytes()
    length = len(content) if known else None
    with serve(content, "video/avi", length=length) as address:
        source = open_source(address, patience=1.0)
        assert len(list(source)) == 50
        assert source.reconnects == 0


def test_a_video_whose_connection_breaks_is_not_silently_short(clip: Path) -> None:
    content = clip.read_bytes()
    half = content[: len(content) * 6 // 10]
    with serve(half, "video/avi", length=len(content)) as address:
        source = open_source(address, patience=1.0)
        frames = []
        with pytest.raises(SourceError, match=r"broke after \d\d of about 50 frames"):
            frames.extend(source)
        assert list(source) == [], "it goes on after its error"
    assert source.reconnects == 0


def test_a_lost_live_source_is_reached_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A camera's Motion JPEG has no length. It is lost three times and then stays away."""
    monkeypatch.setattr(sources, "PAUSES", (0.05,))
    caplog.set_level(logging.INFO, "inpaint_sdk")
    jpeg = cv2.imencode(".jpg", FRAME)[1].tobytes()
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
    content = 10 * (head + jpeg + b"\r\n")
    kind = "multipart/x-mixed-replace; boundary=frame"
    frames = 0
    with serve(content, kind, length=None, times=3) as address:
        source = open_source(address, patience=1.0)
        with pytest.raises(SourceError, match="lost and could not be reached for 1 s"):
            for _ in source:
                frames += 1
    assert source.reconnects == 2
    assert 3 * 8 <= frames <= 3 * 10  # a reader may need the next frame's head to end one


class FakeCapture:
    """Gives what is listed: frames, errors to raise, or functions to call for either."""

    def __init__(self, *given: Any) -> None:
        self.given = list(given)
        self.released = threading.Event()

    def read(self) -> Any:
        found = self.given.pop(0) if self.given else None
        found = found() if callable(found) else found
        if isinstance(found, Exception):
            raise found
        return found

    def release(self) -> None:
        self.released.set()


def connect(monkeypatch: pytest.MonkeyPatch, *given: Any) -> None:
    """Makes each opening of a source give the next of these, or raise it."""
    waiting = list(given)

    def open_capture(name: str) -> Any:
        found = waiting.pop(0) if waiting else SourceError("nobody there")
        found = found() if callable(found) else found
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(sources, "open_capture", open_capture)


LOST = ConnectionLostError("lost")


def test_what_is_lost_and_reached_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "inpaint_sdk")
    monkeypatch.setattr(sources, "PAUSES", (0.0,))
    connect(
        monkeypatch, FakeCapture(FRAME, LOST), SourceError("refused"), FakeCapture(FRAME, FRAME)
    )
    with open_source("rtsp://admin:secret@camera/1") as source:
        assert len(list(source)) == 3
    assert source.reconnects == 1
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "rtsp://camera/1 was lost; trying to reach it for 30 s"),
        ("INFO", "attempt 1: refused"),
        ("WARNING", "rtsp://camera/1 was reached again with attempt 2"),
    ]


def test_a_source_that_answers_but_gives_no_frame_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "PAUSES", (0.01,))
    found: list[FakeCapture] = []

    def answer() -> FakeCapture:
        found.append(FakeCapture(LOST))
        return found[-1]

    connect(monkeypatch, FakeCapture(LOST), *[answer] * 10_000)
    source = open_source("rtsp://camera/1", patience=0.2)
    with pytest.raises(SourceError, match="could not be reached"):
        next(source)
    assert source.reconnects == 0
    assert found
    assert all(capture.released.is_set() for capture in found)


def test_closing_ends_the_wait_for_a_lost_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAUSES", (1000.0,))
    lost = FakeCapture(LOST)
    connect(monkeypatch, lost)
    source = open_source("rtsp://camera/1", patience=10_000.0)
    with ThreadPoolExecutor(1) as pool:
        frames = pool.submit(list, source)
        assert lost.released.wait(PATIENCE)
        source.close()
        assert frames.result(PATIENCE) == []


def test_closing_while_a_connection_is_made_releases_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAUSES", (0.0,))
    opening, go_on, second = threading.Event(), threading.Event(), FakeCapture(FRAME)

    def slowly() -> FakeCapture:
        opening.set()
        assert go_on.wait(PATIENCE)
        return second

    connect(monkeypatch, FakeCapture(LOST), slowly)
    source = open_source("rtsp://camera/1")
    with ThreadPoolExecutor(1) as pool:
        frames = pool.submit(list, source)
        assert opening.wait(PATIENCE)
        source.close()
        go_on.set()
        assert frames.result(PATIENCE) == []
    assert second.released.is_set()


def test_an_error_of_a_source_that_was_closed_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed_meanwhile() -> Exception:
        source.close()
        return SourceError("the camera 0 was lost")

    connect(monkeypatch, FakeCapture(closed_meanwhile))
    source = open_source(0)
    assert list(source) == []


class FakeVideoCapture:
    """As OpenCV's, whose release during a read crashes the process."""

    def __init__(self, *_: object) -> None:
        self.reading, self.go_on = threading.Event(), threading.Event()
        self.opened, self.crashed = True, False

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Any]:
        self.reading.set()
        assert self.go_on.wait(PATIENCE)
        self.reading.clear()
        return self.opened, FRAME

    def release(self) -> None:
        self.crashed |= self.reading.is_set()
        self.opened = False


def test_a_device_is_released_when_its_read_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeVideoCapture()
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    source = open_source(0)
    with ThreadPoolExecutor(1) as pool:
        frames = pool.submit(list, source)
        assert device.reading.wait(PATIENCE)
        source.close()
        assert device.opened
        device.go_on.set()
        assert frames.result(PATIENCE) == []
    assert not device.opened
    assert not device.crashed


def test_a_camera_that_is_lost_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeVideoCapture()
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    source = open_source(0)
    device.go_on.set()
    next(source)
    device.opened = False
    with pytest.raises(SourceError, match="the camera 0 was lost"):
        next(source)
    assert list(source) == []


@pytest.mark.parametrize(
    ("length", "fps", "frames", "seconds", "complete"),
    [
        (100, 25, 100, 3.96, True),
        (100, 25, 80, 3.16, False),
        (1000, 25, 990, 39.56, True),  # another track is a little longer
        (1000, 25, 400, 39.2, True),  # fewer frames a second than the file announces
        (1000, 25, 960, 38.36, False),
        (10, 25, 8, 0.28, False),
        (10, 0, 8, 0.28, False),
    ],
)
def test_when_a_video_is_complete(
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    fps: int,
    frames: int,
    seconds: float,
    complete: bool,
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeVideoCapture)
    capture = OpenCVCapture("http://somewhere/video")
    capture._length, capture._fps, capture._frames, capture._seconds = length, fps, frames, seconds
    assert capture._is_complete() == complete


def test_passwords_are_not_shown() -> None:
    assert without_password("rtsp://admin:p@ss@camera/1?a=b@c") == "rtsp://camera/1?a=b@c"
    assert without_password("/dev/video0") == "/dev/video0"
