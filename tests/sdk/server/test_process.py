"""The command as a process of its own: signals, clients that leave, tokens."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_sdk.cli.main import main
from inpaint_sdk.server.run import listen
from support.server import process, until_ready

Encode = Callable[..., bytes]


@pytest.fixture
def large(rng: np.random.Generator, encode: Encode) -> bytes:
    """A picture on which a detector that looks at all of it is busy for long."""
    coarse = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    return encode(np.kron(coarse, np.ones((25, 25, 1), np.uint8)))


def number(address: str, line: str) -> float:
    """Of the metrics; 0 where it is not there yet."""
    told = httpx2.get(f"{address}metrics").text.splitlines()
    return next((float(one.split()[-1]) for one in told if one.startswith(line)), 0.0)


def until_number(address: str, line: str, least: float) -> None:
    deadline = time.monotonic() + 120
    while number(address, line) < least:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigterm_ends_it_when_it_has_answered(large: bytes) -> None:
    answers: list[httpx2.Response] = []
    with process("--model", "photo", "--max-wait", "300") as (server, address):
        until_ready(address)

        def ask() -> None:
            answers.append(httpx2.post(f"{address}v1/detect", content=large, timeout=300))

        askers = [Thread(target=ask) for _ in range(2)]
        for asker in askers:
            asker.start()
        until_number(address, "inpaint_queue", 2)
        server.send_signal(signal.SIGTERM)
        for asker in askers:
            asker.join(300)
        assert server.wait(60) == 128 + signal.SIGTERM
        assert [answer.status_code for answer in answers] == [200, 200]
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(address)


def test_who_leaves_frees_the_queue(large: bytes) -> None:
    """The first while it is worked on, the second while it waits."""
    with process("--model", "photo") as (_, address):
        until_ready(address)
        where = urlsplit(address)
        request = (
            f"POST /v1/detect HTTP/1.1\r\nHost: {where.netloc}\r\n"
            f"Content-Length: {len(large)}\r\n\r\n"
        ).encode() + large
        clients = [socket.create_connection((where.hostname, where.port)) for _ in range(2)]
        for client in clients:
            client.sendall(request)
        until_number(address, "inpaint_queue", 2)
        for client in clients:
            client.close()
        until_number(address, 'inpaint_requests_total{path="/v1/detect",status="499"}', 2)
        assert number(address, "inpaint_queue") == 0
        assert number(address, "inpaint_pixels_total") == 0


@pytest.mark.parametrize(
    "where",
    [("--host", "0.0.0.0"), ("--allow-host", "pictures.example"), ("--host", "0", "--token=")],
)
def test_where_others_may_come_a_token_is_made_up(where: tuple[str, ...]) -> None:
    with process("--model", "photo", *where) as (_, address):
        page, _, token = address.partition("#token=")
        assert len(token) >= 16
        assert httpx2.get(f"{page}v1/models").status_code == 401
        until_ready(page)
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(f"{page}v1/models", headers=headers).status_code == 200


def test_a_proxy_may_ask_who_comes() -> None:
    with process("--model", "photo", "--allow-host", "pictures.example", "--token=") as (
        _,
        address,
    ):
        assert "#token" not in address
        headers = {"Host": "pictures.example"}
        assert httpx2.get(f"{address}healthz", headers=headers).status_code == 200


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no socket here is of both IPv4 and 6")
def test_any_address_is_any_of_ipv4_too() -> None:
    with listen("::", 0) as listening:
        socket.create_connection(("127.0.0.1", listening.getsockname()[1])).close()


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = CliRunner().invoke(main, ["serve", "--port", str(other.getsockname()[1])])
    assert result.exit_code == 1
    assert "give another --port" in result.output


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError(\"No module named 'fastapi'\")")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from inpaint_sdk.cli.main import main; main(['serve'])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 1
    assert "pip install 'inpaint-sdk[serve]'" in run.stderr


def test_a_model_that_is_not_there_ends_it_with_a_message() -> None:
    command = [sys.executable, "-m", "inpaint_sdk", "serve", "--port", "0", "--model", "nothing"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert "there is no model 'nothing'" in run.stderr
