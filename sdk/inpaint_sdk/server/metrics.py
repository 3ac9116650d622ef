"""Numbers of a server in Prometheus's form."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """Of one server: requests by path and status, their seconds, the queue, pixels."""

    def __init__(self, queued: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "inpaint_requests", "Requests.", ("path", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "inpaint_request_seconds",
            "Seconds from a request's first byte to its answer's last.",
            ("path",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.pixels = Counter(
            "inpaint_pixels",
            "Pixels of pictures that were worked on.",
            ("path",),
            registry=self._registry,
        )
        queue = Gauge(
            "inpaint_queue", "Requests that wait or are worked on.", registry=self._registry
        )
        queue.set_function(queued)

    def response(self) -> Response:
        """All of it."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class Measured:
    """Counts every request, by its route; those that reach none are one path, ``other``."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 500, time.perf_counter()

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            path = getattr(scope.get("route"), "path", "other")  # once the router has set it
            self._metrics.requests.labels(path, status).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - started)
