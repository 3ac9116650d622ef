"""Who may ask."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from inpaint_sdk.server.settings import is_loopback

Serve = Callable[..., TestClient]
TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machines_names_are_taken(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example:8000", "127.0.0.1.nip.io", "", "[::1", "192.168.1.2"],
)
def test_other_names_are_not(client: TestClient, host: str) -> None:
    for path in ("/", "/healthz", "/v1/models"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert "--allow-host" in answer.json()["message"]


def test_a_name_can_be_allowed(serve: Serve) -> None:
    client = serve(hosts=frozenset({"pictures.example"}))
    assert client.get("/healthz", headers={"host": "pictures.example"}).status_code == 200
    assert client.get("/healthz", headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:8001",
        "null",
        "https://localhost.evil",
        "http://[",
        "",
    ],
)
def test_pages_of_other_sites_cannot_post(client: TestClient, file: bytes, origin: str) -> None:
    answer = client.post("/v1/restore", content=file, headers={"origin": origin})
    assert answer.status_code == 403


def test_its_own_page_can(client: TestClient, serve: Serve, file: bytes) -> None:
    own = {"origin": "http://localhost:8000"}
    assert client.post("/v1/preview", content=file, headers=own).status_code == 200
    behind_a_proxy = serve(hosts=frozenset({"pictures.example"}))
    own = {"origin": "https://pictures.example", "host": "127.0.0.1:8000"}
    assert behind_a_proxy.post("/v1/preview", content=file, headers=own).status_code == 200


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"],
)
def test_a_token_is_asked_for(serve: Serve, file: bytes, given: str | None) -> None:
    client = serve(token=TOKEN)
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    for path in ("/v1/restore", "/v1/detect", "/v1/estimate", "/v1/preview"):
        answer = client.post(path, content=file, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/v1/models", "/metrics", "/v1/progress/somebodys"):
        assert client.get(path, headers=headers).status_code == 401


def test_with_the_token_all_is_open_under_any_name(serve: Serve, file: bytes) -> None:
    client = serve(token=TOKEN)
    headers = {"authorization": f"Bearer {TOKEN}", "host": "pictures.example"}
    assert client.post("/v1/preview", content=file, headers=headers).status_code == 200
    assert client.get("/metrics", headers=headers).status_code == 200
    for path in ("/", "/healthz", "/main.js"):
        assert client.get(path, headers={"host": "pictures.example"}).status_code == 200


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert not any("unsafe" in rule or "http" in rule for rule in policy)
    page = client.get("/").text
    for path in ("style.css", "main.js", "icon.svg"):
        assert path in page
        assert "http://" not in client.get(f"/{path}").text.replace(
            "http://www.w3.org/2000/svg", ""
        )
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)


def test_refusals_are_guarded_too(client: TestClient) -> None:
    answer = client.get("/v1/models", headers={"host": "evil.example"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/docs"])
def test_only_the_pages_files_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_loopback_is_told_from_what_others_reach() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")))
    assert not any(
        map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.org", "", "localhost.x"))
    )
