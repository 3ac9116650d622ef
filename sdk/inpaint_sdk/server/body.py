"""What a request brings: bounded while it is read, and kept in memory alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import anyio
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from inpaint_sdk.server.refusals import ClientGoneError, RefusalError
from inpaint_sdk.server.settings import Settings

PARTS = ("image", "mask")
FRAMING = 16 << 10
"""Bytes of a multipart body beside its parts."""


@dataclass(frozen=True)
class Upload:
    """A picture's file and its mask's, if one was sent."""

    image: bytes
    mask: bytes | None = None


class _InMemory(MultiPartParser):
    """Keeps parts in memory, however large; ``_bounded`` limits them."""

    spool_max_size = 1 << 62


async def read_upload(request: Request, settings: Settings) -> Upload:
    """Reads a body: parts of a form, or else the picture's bytes.

    Raises:
        RefusalError: it is larger (413) or slower (408) than allowed, or no such form (422).
        ClientGoneError: it ends before its end.
    """
    stream = _bounded(request, settings.max_bytes)
    try:
        with anyio.fail_after(settings.max_upload):
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                return await _read_form(request, stream)
            return Upload(_something(b"".join([chunk async for chunk in stream])))
    except TimeoutError:
        raise RefusalError(
            408, f"the picture did not arrive within {settings.max_upload:g} seconds"
        ) from None
    except ClientDisconnect:
        raise ClientGoneError from None


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    too_large = RefusalError(
        413, f"the request is larger than this server takes, {max_bytes:,} bytes"
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and float(announced) > max_bytes + FRAMING:
        raise too_large
    left = max_bytes + FRAMING
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            raise too_large
        yield chunk


async def _read_form(request: Request, stream: AsyncGenerator[bytes, None]) -> Upload:
    parser = _InMemory(request.headers, stream, max_files=len(PARTS), max_fields=0)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusalError(
            422,
            f"the form cannot be read: {error.message} It has the files image and mask; options "
            "belong in the address, like ?model=auto",
        ) from error
    try:
        parts: dict[str, bytes] = {}
        for name, part in form.multi_items():
            if name not in PARTS or name in parts or not isinstance(part, UploadFile):
                raise RefusalError(422, f"the form has {name[:100]!r}; it has image, perhaps mask")
            parts[name] = _something(await part.read(), name)
    finally:
        await form.close()
    if "image" not in parts:
        raise RefusalError(422, "the form has no image: send its file under that name")
    return Upload(parts["image"], parts.get("mask"))


def _something(data: bytes, name: str = "image") -> bytes:
    if not data:
        raise RefusalError(422, f"the {name} is empty: send a picture file's bytes")
    return data
