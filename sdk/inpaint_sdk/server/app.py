"""The ASGI application: the API under ``/v1/``, the page under ``/``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from inpaint_sdk.server.guard import Guard
from inpaint_sdk.server.jobs import WatchedPool
from inpaint_sdk.server.metrics import Measured
from inpaint_sdk.server.refusals import add_handlers
from inpaint_sdk.server.routes import make_router
from inpaint_sdk.server.service import Service
from inpaint_sdk.server.settings import Settings
from inpaint_sdk.version import __version__

PAGE = Path(__file__).parent / "page"


def create_app(settings: Settings, pool: WatchedPool | None = None) -> FastAPI:
    """The application; ``app.state.service`` is what it is made of.

    pool: where models are loaded; None for one on the backend that is best here.
    """
    service = Service(settings, WatchedPool() if pool is None else pool)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(service.load())
        yield
        await loading
        await service.close()

    # Its pages of documentation would be loaded from elsewhere.
    app = FastAPI(
        title="inpaint-sdk",
        version=__version__,
        description="Damaged pictures go in, restored ones come out. Where the server has a token, "
        "requests bring it in the header `Authorization: Bearer TOKEN`.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    add_handlers(app)
    app.include_router(make_router(service))
    app.router.routes.append(Mount("/", StaticFiles(directory=PAGE, html=True)))
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Measured, metrics=service.metrics)
    return app
