"""Bytes, pixels, the queue and time are bounded; pictures stay in memory."""

from __future__ import annotations

import asyncio
import itertools
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from inpaint_sdk import OptionError, Options
from inpaint_sdk.server.body import Upload
from inpaint_sdk.server.jobs import Job
from inpaint_sdk.server.queue import Queue
from inpaint_sdk.server.refusals import ClientGoneError, RefusalError
from inpaint_sdk.server.settings import Settings

Pixels = NDArray[np.uint8]
Serve = Callable[..., TestClient]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    data = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = zlib.crc32(b"IHDR" + data)
    end = struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))
    header = struct.pack(">I4s", 13, b"IHDR") + data + struct.pack(">I", crc)
    return b"\x89PNG\r\n\x1a\n" + header + end


def tiff_header(width: int, height: int) -> bytes:
    """A TIFF of two pages that hold nothing: a small one, and one that claims a size."""
    pages = b""
    for last, (across, down) in ((False, (8, 8)), (True, (width, height))):
        at = 8 + len(pages) + 2 + 2 * 12 + 4
        entries = struct.pack("<HHII", 256, 4, 1, across) + struct.pack("<HHII", 257, 4, 1, down)
        pages += struct.pack("<H", 2) + entries + struct.pack("<I", 0 if last else at)
    return b"II*\0\x08\0\0\0" + pages


def test_a_body_that_is_announced_as_too_large_is_not_read(serve: Serve) -> None:
    client = serve(max_bytes=1000)
    answer = client.post("/v1/restore", content=b"x" * 100_000)
    assert answer.status_code == 413
    assert "1,000 bytes" in answer.json()["message"]


def test_an_announced_size_may_have_any_number_of_digits(serve: Serve) -> None:
    """Python's own integers refuse more than 4300."""
    answer = serve().post("/v1/restore", content=b"x", headers={"content-length": "9" * 5000})
    assert answer.status_code == 413


@pytest.mark.parametrize("form", [False, True])
def test_a_body_is_measured_while_it_is_read(make_app: Callable[..., FastAPI], form: bool) -> None:
    """Nothing tells beforehand how much comes, and it would never end."""
    app = make_app(max_bytes=1000)
    sent = 0
    start = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    kind = b"multipart/form-data; boundary=b" if form else b"image/png"
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/restore",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", kind)],
    }
    statuses = []

    async def receive() -> dict[str, object]:
        nonlocal sent
        sent += 1
        body = start if form and sent == 1 else b"x" * 1000
        return {"type": "http.request", "body": body, "more_body": True}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    asyncio.run(app(scope, receive, send))
    assert statuses == [413]
    assert sent < 30


def test_a_body_has_to_arrive_in_time(make_app: Callable[..., FastAPI]) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(60)

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(make_app(max_upload=0.05))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/v1/restore", content=slow())

    answer = asyncio.run(ask())
    assert answer.status_code == 408
    assert "did not arrive" in answer.json()["message"]


@pytest.mark.parametrize("width", [60_000, 2_000])
@pytest.mark.parametrize("header", [png_header, tiff_header])
@pytest.mark.parametrize("path", ["/v1/restore", "/v1/detect", "/v1/estimate", "/v1/preview"])
def test_pixels_are_counted_before_anything_is_decoded(
    client: TestClient, path: str, header: Callable[[int, int], bytes], width: int
) -> None:
    answer = client.post(path, content=header(width, 50_000))
    assert answer.status_code == 413, answer.text
    assert "more pixels than this server takes, 64,000,000" in answer.json()["message"]


def test_a_masks_pixels_are_counted_too(client: TestClient, file: bytes) -> None:
    files = {"image": file, "mask": png_header(60_000, 50_000)}
    answer = client.post("/v1/restore", files=files)
    assert answer.status_code == 413
    assert "the mask" in answer.json()["message"]


def test_a_picture_at_the_limit_is_taken(serve: Serve, file: bytes, image: Pixels) -> None:
    pixels = image.shape[0] * image.shape[1]
    assert serve(max_pixels=pixels).post("/v1/restore", content=file).status_code == 200
    assert serve(max_pixels=pixels - 1).post("/v1/restore", content=file).status_code == 413


def test_pictures_are_never_on_disk(
    serve: Serve,
    rng: np.random.Generator,
    encode: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even forms of some megabytes, which are parsed into what may spill into a file."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was made")

    large = encode(rng.integers(0, 256, (900, 1200, 3)).astype(np.uint8))
    assert len(large) > 3_000_000
    mask = np.zeros((900, 1200), np.uint8)
    mask[100:120, 100:120] = 255
    for name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp", "_mkstemp_inner"):
        monkeypatch.setattr(tempfile, name, refuse)
    answer = serve().post("/v1/restore", files={"image": large, "mask": encode(mask)})
    assert answer.status_code == 200, answer.text


class Gate:
    """Work that begins and then waits until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, *_: object) -> None:
        self.begun.set()
        assert self.let_go.wait(60)


def gated(app: FastAPI, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews stop at the gate before they are made."""
    pictures = app.state.service.pictures
    preview = pictures.preview

    def wait(upload: object) -> bytes:
        gate()
        return preview(upload)  # type: ignore[no-any-return]

    monkeypatch.setattr(pictures, "preview", wait)


async def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_who_finds_the_queue_full_is_sent_away_and_told_when_to_come(
    make_app: Callable[..., FastAPI], file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, gate = make_app(queue=1), Gate()
    gated(app, gate, monkeypatch)
    queue = app.state.service.queue

    async def ask() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            taken = [
                asyncio.create_task(client.post("/v1/preview", content=file)) for _ in range(2)
            ]
            await until(lambda: queue.taken == 2 and gate.begun.is_set())
            refused = await client.post("/v1/preview", content=file)
            others = await client.get("/healthz")
            gate.let_go.set()
            return [refused, others, *await asyncio.gather(*taken)]

    refused, others, *answered = asyncio.run(ask())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert others.status_code == 200
    assert [answer.status_code for answer in answered] == [200, 200]
    assert queue.taken == 0


def test_who_waits_too_long_is_sent_away(
    make_app: Callable[..., FastAPI], file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, gate = make_app(max_wait=0.05), Gate()
    gated(app, gate, monkeypatch)

    async def ask() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            first = asyncio.create_task(client.post("/v1/preview", content=file))
            await until(gate.begun.is_set)
            second = await client.post("/v1/preview", content=file)
            gate.let_go.set()
            return [await first, second]

    first, second = asyncio.run(ask())
    assert first.status_code == 200, "what is worked on does not wait any more"
    assert second.status_code == 503
    assert int(second.headers["retry-after"]) >= 1


def test_work_on_a_picture_is_bounded(serve: Serve, file: bytes) -> None:
    answer = serve(max_work=1e-9).post("/v1/restore", content=file)
    assert answer.status_code == 503
    assert "took longer" in answer.json()["message"]


def test_progress_is_told_by_a_requests_name(
    make_app: Callable[..., FastAPI], file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, gate = make_app(), Gate()
    gated(app, gate, monkeypatch)

    async def ask() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            names = {"X-Request-ID": "a-name-of-mine"}, {"X-Request-ID": "another-name"}
            tasks = [
                asyncio.create_task(client.post("/v1/preview", content=file, headers=name))
                for name in names
            ]
            await until(lambda: gate.begun.is_set() and len(app.state.service.jobs) == 2)
            told = [await client.get(f"/v1/progress/{n['X-Request-ID']}") for n in names]
            gate.let_go.set()
            await asyncio.gather(*tasks)
            return [*told, await client.get("/v1/progress/a-name-of-mine")]

    working, waiting, done = asyncio.run(ask())
    assert working.json() == {"step": "reading", "share": 0.0}
    assert waiting.json()["step"] == "waiting"
    assert done.status_code == 404


def queue_of(length: int = 4) -> Queue:
    return Queue(length, max_wait=60.0)


async def never() -> None:
    await asyncio.Event().wait()


def test_work_is_done_one_by_one_in_order() -> None:
    queue, order, active = queue_of(), [], []

    def work(number: int, _: Job) -> int:
        active.append(number)
        assert active == [number]
        order.append(number)
        active.remove(number)
        return number

    async def ask() -> list[int]:
        waits = [
            queue.run(Job(60.0), lambda job, n=n: work(n, job), never())  # type: ignore[misc]
            for n in range(5)
        ]
        return await asyncio.gather(*waits)

    assert asyncio.run(ask()) == [0, 1, 2, 3, 4]
    assert order == [0, 1, 2, 3, 4]
    queue.close()


def test_work_of_a_client_that_left_is_not_begun() -> None:
    queue, gate, done = queue_of(), Gate(), []

    async def ask() -> list[object]:
        left = asyncio.Event()
        first = asyncio.create_task(queue.run(Job(60.0), gate, never()))
        second = asyncio.create_task(queue.run(Job(60.0), done.append, left.wait()))
        await until(gate.begun.is_set)
        left.set()
        with pytest.raises(ClientGoneError):
            await second
        gate.let_go.set()
        return [await first]

    assert asyncio.run(ask()) == [None]
    queue.close()
    assert done == []


def test_running_work_of_a_client_that_left_ends_at_its_next_step() -> None:
    queue, gate, steps = queue_of(), Gate(), []

    def work(job: Job) -> None:
        for step in range(1000):
            gate()
            job.check()
            steps.append(step)

    async def ask() -> None:
        left = asyncio.Event()
        job = Job(60.0)
        task = asyncio.create_task(queue.run(job, work, left.wait()))
        await until(gate.begun.is_set)
        left.set()
        await until(job._stopped.is_set)
        gate.let_go.set()
        with pytest.raises(ClientGoneError):
            await task

    asyncio.run(ask())
    assert steps == []
    queue.close()


def test_networks_run_for_nobody_who_left(
    client: TestClient, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models' own runs are the steps between which work ends."""
    service = client.app.state.service  # type: ignore[attr-defined]
    job = Job(60.0)
    detect = service.models.detector.detect

    def leave(*given: object, **options: object) -> object:
        job.stop()
        return detect(*given, **options)

    monkeypatch.setattr(service.models.detector, "detect", leave)
    with pytest.raises(ClientGoneError):
        job.run(lambda job: service.pictures.detect(Upload(file), Options(), job))


def specked() -> Pixels:
    """Of 1.4 megapixels, with small marks to be looked at closely, far apart."""
    picture = np.full((1200, 1200, 3), 99, np.uint8)
    for top, left in itertools.product(range(40, 1200, 200), repeat=2):
        picture[top : top + 8, left : left + 8] = (255, 0, 255)
    return picture


def test_networks_that_run_side_by_side_end_too(
    client: TestClient, encode: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    job, upload, ran = Job(60.0), Upload(encode(specked())), []
    monkeypatch.setattr(job, "ran", ran.append)
    job.run(lambda job: service.pictures.detect(upload, Options(), job))
    half, *places = ran
    assert half == 608 * 608
    assert len(places) == 36

    def leave(pixels: int) -> None:
        ran.append(pixels)
        if pixels != half:
            job.stop()

    ran.clear()
    monkeypatch.setattr(job, "ran", leave)
    with pytest.raises(ClientGoneError):
        job.run(lambda job: service.pictures.detect(upload, Options(), job))
    assert len(ran) < 10


def test_progress_grows_with_what_networks_were_shown(client: TestClient, file: bytes) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    job = Job(60.0)
    assert job.step == "waiting"
    job.run(lambda job: service.pictures.restore(Upload(file), "photo", Options(), job))
    assert job.step == "restoring"
    assert job.share == 1.0


def test_progress_of_finding_follows_what_is_looked_at(
    client: TestClient, encode: Callable[..., bytes]
) -> None:
    """Of a large picture half the size, so that the bar does not end before its middle."""
    service = client.app.state.service  # type: ignore[attr-defined]
    for side, least in ((400, 1.0), (1400, 0.4)):
        job = Job(60.0)
        upload = Upload(encode(np.full((side, side, 3), 99, np.uint8)))
        job.run(lambda job, upload=upload: service.pictures.detect(upload, Options(), job))
        assert least <= job.share <= 1.0


def test_refusals_of_work_reach_the_client() -> None:
    queue = queue_of()

    def refuse(_: Job) -> None:
        raise RefusalError(413, "too large")

    with pytest.raises(RefusalError):
        asyncio.run(queue.run(Job(60.0), refuse, never()))
    queue.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ()},
        {"token": "short"},
        {"max_pixels": 0},
        {"queue": -1},
        {"max_wait": float("nan")},
        {"max_work": float("inf")},
    ],
)
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        Settings(**{"models": ("photo",), **wrong})  # type: ignore[arg-type]
