"""The API: what is asked, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from inpaint_sdk.runners.detect import Detection
from inpaint_sdk.server import pictures
from inpaint_sdk.server.body import Upload
from inpaint_sdk.server.jobs import Job
from inpaint_sdk.server.parameters import (
    Degraded,
    DetectionParameters,
    FindingParameters,
    Found,
    Offer,
    Problem,
    Progress,
    RestoringParameters,
)
from inpaint_sdk.server.pictures import TYPES
from inpaint_sdk.server.refusals import RefusalError
from inpaint_sdk.server.service import Service

REPORT = "Inpaint-Report"
"""Header that tells how a restored picture came about, in JSON."""

REPORT_EXAMPLE = (
    '{"plan": "detect (damage): 1.2 %; inpaint (photo): 1.9 % of the picture", "changed": true, '
    '"left_alone": [], "seconds": {"detect": 0.51, "inpaint": 0.24}, "warnings": []}'
)

_FILE = {"type": "string", "format": "binary"}


def _contents(*kinds: str) -> dict[str, Any]:
    return {kind: {"schema": _FILE} for kind in kinds}


def _body(*parts: str) -> dict[str, Any]:
    """OpenAPI of a body: a form with these files, or a picture's bytes."""
    form = {"type": "object", "properties": dict.fromkeys(parts, _FILE), "required": ["image"]}
    return {
        "requestBody": {
            "required": True,
            "description": "A picture's file (JPEG, PNG, WebP, TIFF or BMP), alone or in a form.",
            "content": {
                "multipart/form-data": {"schema": form},
                **_contents(*TYPES.values(), "application/octet-stream"),
            },
        }
    }


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI of what may be refused."""
    said = {
        401: "The token is missing or wrong.",
        403: "The request comes from another site's page.",
        404: "There is nothing of that name.",
        408: "The picture did not arrive in time.",
        413: "The request has too many bytes, or the picture too many pixels.",
        421: "The server is not called by the host that was asked for.",
        422: "The picture, its mask or an option cannot be used; the message says why.",
        429: "The queue is full; try again after Retry-After seconds.",
        500: "The server failed.",
        503: "It took too long, or models are being loaded; try again after Retry-After seconds.",
    }
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        status: {
            "model": Problem,
            "description": said[status],
            **({"headers": retry} if status in (429, 503) else {}),
        }
        for status in statuses
    }


_GUARDED = (401, 403, 421)
_WORKING = _problems(*_GUARDED, 408, 413, 422, 429, 500, 503)


def make_router(service: Service) -> APIRouter:
    """The routes of a service."""
    router = APIRouter()

    @router.post(
        "/v1/restore",
        summary="Restore a picture",
        response_class=Response,
        responses={
            200: {
                "description": "The restored picture, in the format that came, with its metadata.",
                "content": _contents(*TYPES.values()),
                "headers": {
                    REPORT: {
                        "description": "What was done, in JSON: plan, changed, left_alone, "
                        "seconds, warnings.",
                        "schema": {"type": "string"},
                        "example": REPORT_EXAMPLE,
                    }
                },
            },
            **_WORKING,
        },
        openapi_extra=_body("image", "mask"),
    )
    async def restore(
        request: Request, parameters: Annotated[RestoringParameters, Query()]
    ) -> Response:
        """Restores what the mask marks (not black), or without a mask where damage is found.

        Every other pixel comes back bit for bit. `curl -F image=@photo.jpg -F mask=@mask.png
        "http://localhost:8000/v1/restore?model=auto" -o restored.jpg`
        """
        model, options = service.model(parameters.model), service.check(parameters.options())

        def work(upload: Upload, job: Job) -> pictures.Restored:
            return service.pictures.restore(upload, model, options, job)

        done = await service.work(request, work)
        service.metrics.pixels.labels("/v1/restore").inc(done.pixels)
        return Response(done.data, media_type=done.media_type, headers={REPORT: done.report})

    @router.post(
        "/v1/detect",
        summary="Find damage",
        response_model=Found,
        responses={
            200: {
                "description": "What was found, by kind; or a PNG, as `output` says.",
                "content": _contents("image/png"),
            },
            **_WORKING,
        },
        openapi_extra=_body("image"),
    )
    async def detect(
        request: Request, parameters: Annotated[DetectionParameters, Query()]
    ) -> Response:
        """Finds damage and restores nothing. A mask that comes with the picture is not looked at.

        `curl --data-binary @photo.jpg "http://localhost:8000/v1/detect?output=mask" -o mask.png`
        """
        options = service.check(parameters.options())

        def work(upload: Upload, job: Job) -> tuple[int, Response]:
            found = service.pictures.detect(upload, options, job)
            return found.mask.size, _answer(found, parameters.output)

        pixels, response = await service.work(request, work)
        service.metrics.pixels.labels("/v1/detect").inc(pixels)
        return response

    @router.post(
        "/v1/estimate",
        summary="Tell how degraded a picture is",
        responses=_WORKING,
        openapi_extra=_body("image"),
    )
    async def estimate(
        request: Request, parameters: Annotated[FindingParameters, Query()]
    ) -> Degraded:
        """How noisy, blurred and compressed a picture is, as a network estimates it."""
        options = service.check(parameters.options())
        return await service.work(
            request, lambda upload, job: service.pictures.estimate(upload, options, job)
        )

    @router.post(
        "/v1/preview",
        summary="Show a picture",
        response_class=Response,
        responses={
            200: {
                "description": "A JPEG of 8 bits a channel.",
                "content": _contents("image/jpeg"),
            },
            **_WORKING,
        },
        openapi_extra=_body("image"),
    )
    async def preview(request: Request) -> Response:
        """A JPEG of a picture in a format that the client cannot show, like TIFF in browsers."""
        data = await service.work(request, lambda upload, _: service.pictures.preview(upload))
        return Response(data, media_type="image/jpeg")

    @router.get("/v1/models", responses=_problems(401, 421, 503))
    async def models() -> Offer:
        """What pictures can be restored with here, and within which limits."""
        _require_ready(service)
        return Offer(
            models=service.offered,
            kinds=list(service.models.detector.model.kinds),
            max_bytes=service.settings.max_bytes,
            max_pixels=service.settings.max_pixels,
        )

    @router.get("/v1/progress/{name}", responses=_problems(401, 404, 421, 422))
    async def progress(name: str) -> Progress:
        """How far a request is that was sent with a header X-Request-ID, 8 to 64 letters."""
        job = service.jobs.get(name)
        if job is None:
            raise RefusalError(404, "there is no such request, or it is answered")
        return Progress(step=job.step, share=job.share)

    @router.get("/healthz", responses=_problems(421))
    async def healthz() -> dict[str, str]:
        """Whether the server runs."""
        return {"status": "ok"}

    @router.get("/readyz", responses=_problems(421, 503))
    async def readyz() -> dict[str, str]:
        """Whether all models are loaded, so that requests are answered at once."""
        _require_ready(service)
        return {"status": "ready"}

    @router.get("/metrics", response_class=Response, responses=_problems(401, 421))
    async def metrics() -> Response:
        """Requests, seconds, queue and pixels in Prometheus's form."""
        return service.metrics.response()

    return router


def _require_ready(service: Service) -> None:
    if not service.is_ready:
        raise RefusalError(503, "the models are being loaded", retry_after=1)


def _answer(found: Detection, output: str) -> Response:
    if output == "mask":
        return Response(pictures.png(found.widened_mask), media_type="image/png")
    if output == "probability":
        return Response(pictures.png(pictures.to_grey(found)), media_type="image/png")
    described = pictures.describe(found)
    return Response(described.model_dump_json(), media_type="application/json")
