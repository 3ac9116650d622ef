"""What the routes share: models, the queue, and how a request becomes work."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from inpaint_sdk.errors import OptionError
from inpaint_sdk.options import Options
from inpaint_sdk.server.body import Upload, read_upload
from inpaint_sdk.server.jobs import Job, WatchedPool
from inpaint_sdk.server.metrics import Metrics
from inpaint_sdk.server.models import Models
from inpaint_sdk.server.parameters import Model
from inpaint_sdk.server.pictures import Pictures
from inpaint_sdk.server.queue import Queue
from inpaint_sdk.server.settings import Settings

T = TypeVar("T")

JOB_NAME = re.compile(r"[\w-]{8,64}", re.ASCII)

_log = logging.getLogger(__name__)


class Service:
    """Models and a queue before them."""

    def __init__(self, settings: Settings, pool: WatchedPool) -> None:
        self.settings = settings
        self.models = Models(settings, pool)
        self.pictures = Pictures(self.models, settings.max_pixels)
        self.queue = Queue(settings.queue, settings.max_wait)
        self.metrics = Metrics(lambda: self.queue.taken)
        self.jobs: dict[str, Job] = {}
        self.offered: list[Model] = []
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None

    @property
    def is_ready(self) -> bool:
        """Whether all models are loaded."""
        return bool(self.offered)

    async def load(self) -> None:
        """Loads the models in the worker's thread, one by one between requests that come."""
        loads = [partial(self.models.load, name) for name in self.settings.models]
        try:
            await self._in_thread(self.models.load_detector)
            self.offered = [await self._in_thread(load) for load in loads]
        except Exception as error:
            _log.error("the models cannot be loaded: %s", error)
            self.failure = error
            self.on_failure()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self.queue.submit(work))

    async def work(self, request: Request, work: Callable[[Upload, Job], T]) -> T:
        """Reads a request's body and does its work when its turn comes.

        Raises:
            RefusalError: limits are passed, or the queue is full.
            ClientGoneError: the client closed its connection.
        """
        with self.queue.place():
            upload = await read_upload(request, self.settings)
            job = Job(self.settings.max_work)
            name = request.headers.get("x-request-id", "")
            named = JOB_NAME.fullmatch(name) is not None and name not in self.jobs
            if named:
                self.jobs[name] = job
            try:
                return await self.queue.run(
                    job, lambda job: work(upload, job), _disconnected(request)
                )
            finally:
                if named:
                    del self.jobs[name]

    def model(self, name: str | None) -> str:
        """The model that a request asks for, or the first; ``OptionError`` if there is none."""
        offered = self.settings.models
        if name is not None and name not in offered:
            raise OptionError(
                f"there is no model {name[:100]!r} here; there are: {', '.join(offered)}"
            )
        return name or offered[0]

    def check(self, options: Options) -> Options:
        """The options, if a request may ask for them; else ``OptionError``."""
        if options.memory_mb > self.settings.memory_mb:
            raise OptionError(
                f"memory_mb is {options.memory_mb}; here it is at most {self.settings.memory_mb}"
            )
        return options

    async def close(self) -> None:
        """Gives back models and the thread, when it has ended its work."""
        await asyncio.to_thread(self.queue.close)
        self.models.close()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
