from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import Restorer
from inpaint_sdk.server.app import create_app
from inpaint_sdk.server.jobs import WatchedPool
from inpaint_sdk.server.settings import Settings
from support.detector import scratched, write_detector

Pixels = NDArray[np.uint8]
HERE = "http://localhost:8000"

Encode = Callable[..., bytes]
Serve = Callable[..., TestClient]


@pytest.fixture(scope="session")
def kinds_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that takes magenta for scratches, yellow for specks and cyan for an overlay."""
    pytest.importorskip("onnx")
    path = tmp_path_factory.mktemp("detector") / "kinds.onnx"
    return write_detector(path, {"scratch": 1, "speck": 2, "overlay": 0})


@pytest.fixture(scope="session")
def pool() -> WatchedPool:
    """Models that all servers of the tests share."""
    return WatchedPool(threads=2)


@pytest.fixture(scope="session")
def settings(kinds_file: Path) -> Settings:
    return Settings(models=("photo", "auto", "clean"), detector=str(kinds_file))


@pytest.fixture(scope="session")
def restorer(kinds_file: Path) -> Restorer:
    """What the server runs, without a server."""
    return Restorer.load("photo", threads=2, detector=kinds_file)


@pytest.fixture
def make_app(settings: Settings, pool: WatchedPool) -> Iterator[Callable[..., FastAPI]]:
    """An application with other settings; its worker's thread ends with the test."""
    made: list[FastAPI] = []

    def make(**changed: object) -> FastAPI:
        made.append(create_app(replace(settings, **changed), pool))
        return made[-1]

    yield make
    for app in made:
        app.state.service.queue.close()


@pytest.fixture
def serve(make_app: Callable[..., FastAPI]) -> Serve:
    """A client of a server with other settings; its models are loaded when they are needed."""
    return lambda **changed: TestClient(
        make_app(**changed), base_url=HERE, raise_server_exceptions=False
    )


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()


@pytest.fixture
def encode() -> Encode:
    """A picture's file in memory."""

    def encoded(pixels: Pixels, kind: str = "PNG", **options: object) -> bytes:
        Image.fromarray(pixels).save(file := BytesIO(), format=kind, **options)
        return file.getvalue()

    return encoded


@pytest.fixture
def damaged(image: Pixels, mask: Pixels) -> Pixels:
    """A picture, RGB, with a magenta hole, a yellow square and a cyan stripe."""
    made = scratched(image, mask)
    made[60:66, 100:106] = (255, 255, 0)
    made[84:88, 20:90] = (0, 255, 255)
    return made


@pytest.fixture
def file(damaged: Pixels, encode: Encode) -> bytes:
    return encode(damaged)
