"""Who may ask: the host and origin that a request names, and its token."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inpaint_sdk.server.refusals import refusal
from inpaint_sdk.server.settings import Settings, is_loopback

PRIVATE = ("/v1/", "/metrics")
"""Paths for which a token is needed, where there is one; the page itself holds no secrets."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Refuses requests from other sites, and those without the token.

    A name that somebody else made to point at this machine (DNS rebinding) is no name of it, and a
    page of another origin cannot post here. With a token any host will do: such a page has none.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts
        self._token = settings.token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        uncached = scope["path"].startswith("/v1/")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if uncached:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        headers = Headers(scope=scope)
        problem = self._problem(scope["path"], scope["method"], headers)
        answer = self._app
        if problem is not None:
            status, message = problem
            challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            answer = refusal(status, "Refused", message, challenge)
        await answer(scope, receive, guarded)

    def _problem(self, path: str, method: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        name = _hostname(f"//{host}")
        if self._token is None and not (is_loopback(name) or name in self._hosts):
            return 421, (
                f"this server is not called {name[:100]!r}: address it by localhost or 127.0.0.1, "
                "or start it with --allow-host"
            )
        origin = headers.get("origin")
        if origin is not None and method not in ("GET", "HEAD") and not self._is_own(origin, host):
            return 403, "pages of other sites may not use this server"
        if self._token is None or not path.startswith(PRIVATE):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return 401, "give the server's token, in the header Authorization: Bearer TOKEN"

    def _is_own(self, origin: str, host: str) -> bool:
        return origin.partition("://")[2] == host or _hostname(origin) in self._hosts


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
