"""Mutated requests to the server's application: an answer that the API documents, and never 500.

``python -m hardening.test_http COUNT SEED FOLDER`` in ``tests`` tries so many. They are such as a
server passes on: any bytes are in paths and headers, but names of headers are small letters.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("multipart")
pytest.importorskip("onnx")

from fastapi import FastAPI

from hardening.fuzzing import attempts, main, mutated
from hardening.processes import run_alone
from hardening.test_pictures import SEEDS as PICTURES
from inpaint_sdk.server.app import create_app
from inpaint_sdk.server.jobs import WatchedPool
from inpaint_sdk.server.refusals import CLIENT_GONE
from inpaint_sdk.server.settings import Settings
from support.detector import write_detector
from support.server import png

COUNT = 400
BOUNDARY = b"a-boundary"
WORKING = ("/v1/restore", "/v1/detect", "/v1/preview")
UNDOCUMENTED = frozenset({200, 206, 304, 307, 400, 401, 403, 404, 405, 416, 421})
"""Statuses of the page, and of paths and methods that are none."""

QUERIES = (
    *(b"", b"model=photo", b"model=auto&enhance=true", b"model=photo&strategy=resize"),
    *(b"threshold=0.5&dilation=3", b"kinds=damage", b"output=mask", b"output=probability"),
    *(b"memory_mb=64", b"strength=1&texture=1", b"add_found=1", b"min_mean_probability=0.9"),
)
ODD = (
    *(b"", b"0", b"-1", b"nan", b"1e999", b"9" * 5000, b"%00", b"%ff", b"\xff\xfe", b"a" * 3000),
    *(b"=", b"&", b";", b'"', b"\\", b"\t", b"bytes=0-1", b"*/*", b"\xc3\xa9", b"[::1", b"null"),
    *(b"identity, gzip", b"chunked", b"18446744073709551616", b"1, 2", b"Basic YTpi", b"Bearer "),
)
HEADERS = (
    *(b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"host"),
    *(b"origin", b"authorization", b"x-request-id", b"accept", b"range", b"cookie", b"expect"),
    *(b"accept-encoding", b"if-none-match", b"if-modified-since", b"x-forwarded-for", b"referer"),
)


class Requests:
    """One application, and requests to it in one loop of events."""

    def __init__(self, folder: Path) -> None:
        detector = str(write_detector(folder / "detector.onnx"))
        settings = Settings(
            models=("photo",), detector=detector, max_bytes=1 << 16, max_pixels=1 << 20
        )
        self.app: FastAPI = create_app(settings, WatchedPool(threads=1))
        described = self.app.openapi()["paths"]
        self.paths = sorted(described)
        self.statuses = {
            (path, method.upper()): frozenset(map(int, operation["responses"]))
            for path, methods in described.items()
            for method, operation in methods.items()
        }
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        self._lifespan = self.app.router.lifespan_context(self.app)
        await self._lifespan.__aenter__()
        while not self.app.state.service.is_ready:
            assert self.app.state.service.failure is None
            await asyncio.sleep(0.05)

    def close(self) -> None:
        """Gives the models back."""
        self.loop.run_until_complete(self._lifespan.__aexit__(None, None, None))
        self.loop.close()

    def send(self, scope: dict[str, Any], chunks: list[bytes], whole: bool) -> tuple[int, bytes]:
        """Status and body of the answer. whole: the client stays until it is answered."""
        return self.loop.run_until_complete(self._send(scope, list(chunks), whole))

    async def _send(
        self, scope: dict[str, Any], chunks: list[bytes], whole: bool
    ) -> tuple[int, bytes]:
        status, body, answered = 0, b"", asyncio.Event()

        async def receive() -> dict[str, Any]:
            if chunks:
                chunk = chunks.pop(0)
                return {
                    "type": "http.request",
                    "body": chunk,
                    "more_body": bool(chunks) or not whole,
                }
            if whole:
                await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    answered.set()

        await self.app({**scope, "app": None}, receive, send)
        return status, body


def part(name: bytes, data: bytes, kind: bytes = b"image/png") -> bytes:
    disposition = b'Content-Disposition: form-data; name="%s"; filename="f"' % name
    head = b"--%s\r\n%s\r\nContent-Type: %s\r\n\r\n" % (BOUNDARY, disposition, kind)
    return head + data + b"\r\n"


def picture(rng: np.random.Generator) -> bytes:
    names = sorted(PICTURES)
    data = PICTURES[names[int(rng.integers(len(names)))]]
    return mutated(data, rng) if rng.random() < 0.25 else data


def a_request(
    paths: list[str], rng: np.random.Generator
) -> tuple[dict[str, Any], list[bytes], bool]:
    """An ASGI scope, the pieces of a body, and whether all of it comes."""

    def one_of(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    path = one_of([*WORKING * 3, *paths, "/", "/no"])
    method = "POST" if path in WORKING else "GET"
    raw = path.replace("{name}", "a-request").encode()
    query = b"&".join(one_of(QUERIES) for _ in range(int(rng.integers(0, 3))))
    kind = b"multipart/form-data; boundary=" + BOUNDARY
    body = part(b"image", picture(rng))
    mask = np.zeros((24, 32), np.uint8)
    mask[4:8, 10:14] = 255
    if rng.random() < 0.6:
        body += part(b"mask", mutated(png(mask), rng) if rng.random() < 0.3 else png(mask))
    body += b"--%s--\r\n" % BOUNDARY
    if rng.random() < 0.3:
        kind, body = b"application/octet-stream", picture(rng)
    headers = [
        (b"host", b"localhost"),
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
    ]
    for _ in range(int(rng.integers(0, 3))):
        match int(rng.integers(10)):
            case 0:
                method = one_of(["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "BREW"])
            case 1:
                raw = mutated(raw, rng)
            case 2:
                query = mutated(query or b"model=photo", rng)
            case 3:
                query += b"&%s=%s" % (one_of(QUERIES).partition(b"=")[0], one_of(ODD))
            case 4:
                headers.append((one_of(HEADERS), one_of(ODD)))
            case 5:
                at = int(rng.integers(len(headers)))
                headers[at] = (
                    headers[at][0],
                    one_of([one_of(ODD), mutated(headers[at][1] or b"a", rng)]),
                )
            case 6:
                del headers[int(rng.integers(len(headers)))]
                headers = headers or [(b"host", b"localhost")]
            case 7:  # the head of the form's first part
                body = mutated(body[:120], rng) + body[120:]
            case 8:
                body = mutated(body, rng)
            case 9:
                body += bytes(1 << 17)
    headers = [(name, value.translate(None, b"\r\n\0")) for name, value in headers]
    ends = sorted(int(end) for end in rng.integers(0, len(body) + 1, int(rng.integers(0, 4))))
    chunks = [body[a:b] for a, b in zip([0, *ends], [*ends, len(body)], strict=True)]
    whole = rng.random() > 0.05
    if not whole:
        chunks = chunks[: int(rng.integers(1, len(chunks) + 1))]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw.decode("latin-1")),
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    return scope, chunks, whole


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Sends so many requests; counts the statuses of their answers."""
    warnings.simplefilter("ignore")
    requests = Requests(folder)

    def one(_: int, rng: np.random.Generator) -> str:
        scope, chunks, whole = a_request(requests.paths, rng)
        status, body = requests.send(scope, chunks, whole)
        asked = f"{scope['method']} {scope['path']!r}?{scope['query_string']!r}"
        told = f"{asked}: {status} {body[:300]!r}"
        path = "/v1/progress/{name}" if scope["path"].startswith("/v1/progress/") else scope["path"]
        documented = requests.statuses.get((path, scope["method"]))
        allowed = UNDOCUMENTED if documented is None else documented - {500}
        assert status in allowed | (set() if whole else {0, CLIENT_GONE}), told
        if whole and documented and status >= 400:
            assert set(json.loads(body)) == {"error", "message"}, told
        return str(status)

    try:
        return attempts(count, seed, one)
    finally:
        requests.close()


def test_mutated_requests(tmp_path: Path) -> None:
    """In a process of its own: a crash in a decoder would end this one."""
    told = run_alone([sys.executable, __file__, str(COUNT), "0", str(tmp_path)])
    for status in ("200", "404", "413", "421", "422"):
        assert f"'{status}'" in told


if __name__ == "__main__":
    main(fuzz)
