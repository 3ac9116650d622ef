"""The API does what its OpenAPI says, whatever is sent."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import positive_data_acceptance
from schemathesis.generation import GenerationMode

from inpaint_sdk.server.parameters import (
    Degraded,
    Found,
    Kind,
    Model,
    Offer,
    Problem,
    Progress,
)
from support.server import png, process, until_ready

GREY = png(np.full((8, 8), 99, np.uint8))

for kind in ("image/png", "image/jpeg", "image/tiff", "image/webp", "image/bmp"):
    schemathesis.openapi.media_type(kind, st.just(GREY) | st.binary(max_size=200))


OPERATIONS = (
    ("/v1/restore", "POST"),
    ("/v1/detect", "POST"),
    ("/v1/estimate", "POST"),
    ("/v1/preview", "POST"),
    ("/v1/models", "GET"),
    ("/v1/progress/{name}", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
)


@pytest.fixture(scope="module")
def schema(kinds_file: Path) -> Iterator[Any]:
    options = ("--model", "photo", "--detector", str(kinds_file), "--max-megapixels", "1")
    with process(*options) as (_, address):
        until_ready(address)
        yield schemathesis.openapi.from_url(f"{address}openapi.json")


def check(schema: Any, path: str, method: str, mode: GenerationMode, examples: int) -> None:
    """Sends what the description allows, or what it does not, and checks the answers by it."""
    strategy = schema[path][method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def answers(case: schemathesis.Case) -> None:
        # No schema says which bytes are a picture's.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    answers()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_is_as_described(schema: Any, path: str, method: str) -> None:
    check(schema, path, method, GenerationMode.POSITIVE, 12)


@pytest.mark.parametrize(("path", "method"), OPERATIONS[:3])
def test_what_is_not_described_is_refused(schema: Any, path: str, method: str) -> None:
    check(schema, path, method, GenerationMode.NEGATIVE, 12)


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("path", "method"), OPERATIONS[:3])
def test_the_api_is_as_described_at_length(
    schema: Any, path: str, method: str, mode: GenerationMode
) -> None:
    check(schema, path, method, mode, 300)


def test_the_description_is_whole(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    paths = described["paths"]
    assert {(p, m.upper()) for p, methods in paths.items() for m in methods} == set(OPERATIONS)
    for path in ("/v1/restore", "/v1/detect", "/v1/estimate"):
        post = described["paths"][path]["post"]
        assert {"413", "422", "429", "503"} <= set(post["responses"])
        assert "Retry-After" in post["responses"]["429"]["headers"]
        assert {"multipart/form-data", "image/jpeg"} <= set(post["requestBody"]["content"])
    parameters = described["paths"]["/v1/restore"]["post"]["parameters"]
    without = [p["name"] for p in parameters if not {"examples", "default"} & p["schema"].keys()]
    assert without == [], "each has an example, or its default is one"


def test_examples_are_what_they_are_examples_of(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    models = (Degraded, Found, Kind, Model, Offer, Problem, Progress)
    for model in models:
        properties = described["components"]["schemas"][model.__name__]["properties"]
        nested = {name for name, shape in properties.items() if "$ref" in str(shape)}
        given = {n: p["examples"][0] for n, p in properties.items() if n not in nested}
        model.model_validate({**dict.fromkeys(nested, ()), **given}, strict=False)
        if model is Found:
            planes = zlib.decompress(base64.b64decode(given["planes"]))
            assert len(planes) == given["width"] * given["height"]
    header = described["paths"]["/v1/restore"]["post"]["responses"]["200"]["headers"]
    told = json.loads(header["Inpaint-Report"]["example"])
    assert set(told) == {"plan", "changed", "left_alone", "seconds", "warnings"}
