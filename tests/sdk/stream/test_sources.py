from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_sdk import SourceError
from inpaint_sdk.stream import open_source


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Ten frames that get brighter, as Motion JPEG."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    assert writer.isOpened()
    for index in range(10):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()
    return path


def test_a_file_ends(clip: Path) -> None:
    with open_source(str(clip)) as source:
        frames = list(source)
    assert [round(float(f.mean()) / 20) for f in frames] == list(range(10))
    assert source.reconnects == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.mp4", "there is no file none.mp4"),
        ("/dev/video77", "there is no camera /dev/video77"),
        (77, "cannot open 77"),
        ("rtsp://127.0.0.1:9/none", "cannot open rtsp"),
    ],
)
def test_sources_that_cannot_be_opened(name: str | int, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(name)


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(SourceError, match="cannot open"):
        open_source(str(tmp_path / "text.mp4"))


class Server:
    """Serves a clip over HTTP, as often as it is told to, and then nothing."""

    def __init__(self, clip: bytes, times: int) -> None:
        self.served = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if outer.served >= times:
                    self.send_error(404)
                    return
                outer.served += 1
                self.send_response(200)
                self.send_header("Content-Type", "video/avi")
                self.send_header("Content-Length", str(len(clip)))
                self.end_headers()
                self.wfile.write(clip)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/clip.avi"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(clip: Path) -> Iterator[Server]:
    running = Server(clip.read_bytes(), 3)
    yield running
    running.stop()


def test_a_lost_network_source_is_reached_again(server: Server) -> None:
    """Each time the clip ends, as a stream does that is cut; then it stays away."""
    frames = 0
    source = open_source(server.address, patience=1.0)
    with pytest.raises(SourceError, match=r"was lost and not to be reached for 1 s"), source:
        for _ in source:
            frames += 1
    assert source.reconnects == server.served - 1
    assert frames == 10 * server.served
