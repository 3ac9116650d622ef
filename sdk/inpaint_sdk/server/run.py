"""Running the application until a signal ends it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from inpaint_sdk.errors import OptionError
from inpaint_sdk.server.app import create_app
from inpaint_sdk.server.jobs import WatchedPool
from inpaint_sdk.server.settings import Settings

BACKLOG = 1024
"""Connections that the system holds until they are taken."""


def serve(
    settings: Settings,
    pool: WatchedPool,
    host: str,
    port: int,
    announce: Callable[[int], None],
) -> None:
    """Serves until SIGINT or SIGTERM; requests that were taken on are answered first.

    announce: told the port, once it can be connected to.

    Raises:
        OptionError: the address cannot be listened on.
        InpaintError: the models cannot be loaded.
    """
    app = create_app(settings, pool)
    service = app.state.service
    longest = settings.max_upload + settings.max_wait + settings.max_work
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=round(longest),
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    service.on_failure = stop
    with listen(host, port) as listening:
        announce(listening.getsockname()[1])
        server.run([listening])
    if service.failure is not None:
        raise service.failure


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; raises ``OptionError`` if there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # The address that means any means any of IPv4, too, as people expect of it.
        dual = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual
        )
    except OSError as error:
        raise OptionError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; give another --port"
        ) from error
