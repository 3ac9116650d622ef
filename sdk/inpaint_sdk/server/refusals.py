"""Answers that are no: JSON with a message that says what was wrong and what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from inpaint_sdk.errors import ImageError, InpaintError, MaskError, OptionError, OutputError

CLIENT_GONE = 499
"""Status of requests whose client went away, as proxies count them; nobody reads it."""

CLIENTS_OWN = (ImageError, MaskError, OptionError, OutputError)
"""Errors of what was sent; others are the server's."""

_log = logging.getLogger(__name__)


class RefusalError(Exception):
    """A request is not carried out. retry_after: seconds after which it may be."""

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


class ClientGoneError(Exception):
    """The client closed its connection before it was answered."""


def refusal(
    status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """kind: name of the error. headers: of the answer."""
    return JSONResponse({"error": kind, "message": message}, status, headers=dict(headers or {}))


def add_handlers(app: FastAPI) -> None:
    """Turns exceptions into answers."""

    @app.exception_handler(RefusalError)
    async def refused(_: Request, error: RefusalError) -> JSONResponse:
        return refusal(error.status, "Refused", str(error), error.headers)

    @app.exception_handler(ClientGoneError)
    async def gone(_: Request, __: ClientGoneError) -> JSONResponse:
        return refusal(CLIENT_GONE, "ClientGone", "the client closed the connection")

    @app.exception_handler(InpaintError)
    async def sdk_error(_: Request, error: InpaintError) -> JSONResponse:
        status = 422 if isinstance(error, CLIENTS_OWN) else 500
        return refusal(status, type(error).__name__, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        said = (f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
        return refusal(422, "OptionError", "; ".join(said))

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return refusal(error.status_code, "HTTP", str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        _log.error("a request failed", exc_info=error)
        return refusal(500, type(error).__name__, "the server failed; its log says why")
