"""What the server answers is what the SDK gives."""

from __future__ import annotations

import json
import threading
import time
import zlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import DetectionOptions, Options, Restorer
from inpaint_sdk.server.app import create_app
from inpaint_sdk.server.jobs import WatchedPool
from inpaint_sdk.server.parameters import DetectionParameters, RestoringParameters
from inpaint_sdk.server.settings import Settings

Pixels = NDArray[np.uint8]
Encode = Callable[..., bytes]


def planes_of(found: dict[str, object]) -> Pixels:
    data = zlib.decompress(b64decode(str(found["planes"])))
    return np.frombuffer(data, np.uint8).reshape(int(str(found["height"])), -1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_file_comes_back_as_from_the_sdk(
    client: TestClient, restorer: Restorer, damaged: Pixels, encode: Encode, kind: str
) -> None:
    sent = encode(damaged, kind)
    answer = client.post("/v1/restore", content=sent)
    assert answer.status_code == 200, answer.text
    assert answer.content == restorer.restore(sent)
    assert answer.headers["content-type"] == f"image/{kind.lower()}"


def test_a_mask_marks_what_is_restored(
    client: TestClient, restorer: Restorer, file: bytes, mask: Pixels, encode: Encode
) -> None:
    marked = encode(mask)
    answer = client.post("/v1/restore", files={"image": file, "mask": marked})
    assert answer.content == restorer.restore(file, mask)
    assert answer.content != client.post("/v1/restore", content=file).content


def test_options_are_the_sdks(client: TestClient, restorer: Restorer, file: bytes) -> None:
    address = (
        "/v1/restore?kinds=overlay,scratch&threshold=0.6&dilation=4&memory_mb=320&strategy=crop"
    )
    options = Options(
        strategy="crop",
        memory_mb=320,
        kinds=frozenset({"overlay", "scratch"}),
        detection=DetectionOptions(threshold=0.6, dilation=4),
    )
    answer = client.post(address, content=file)
    assert answer.content == restorer.restore(file, options=options)
    assert answer.content != restorer.restore(file)


def test_every_option_can_be_given() -> None:
    assert RestoringParameters().options() == Options()
    named = set(RestoringParameters.model_fields) - {"model"}
    assert named == (set(vars(Options())) - {"detection"}) | set(vars(DetectionOptions()))


def test_the_model_is_chosen(client: TestClient, file: bytes) -> None:
    for model in ("photo", "auto", "clean"):
        answer = client.post(f"/v1/restore?model={model}", content=file)
        assert answer.status_code == 200, answer.text
    refused = client.post("/v1/restore?model=/etc/passwd", content=b"not looked at")
    assert refused.status_code == 422
    assert refused.json()["message"].endswith("there are: photo, auto, clean")


def test_without_a_name_the_first_model_restores(serve: Callable[..., TestClient]) -> None:
    client = serve(models=("clean",))
    grey = np.full((16, 16), 99, np.uint8)
    answer = client.post("/v1/restore", content=cv2.imencode(".png", grey)[1].tobytes())
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.headers["Inpaint-Report"])["plan"].startswith("enhance (clean)")


def test_metadata_is_kept_and_what_is_not_is_told(
    client: TestClient, damaged: Pixels, encode: Encode
) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a box of scans", 6
    sent = encode(damaged, "JPEG", exif=exif, dpi=(600, 600))
    answer = client.post("/v1/restore", content=sent)
    with Image.open(BytesIO(answer.content)) as restored:
        assert restored.size == (damaged.shape[0], damaged.shape[1]), "it is upright"
        assert restored.getexif()[0x010E] == "a box of scans"
        assert restored.info["dpi"] == (600, 600)
    palette = Image.fromarray(damaged).quantize(64)
    palette.save(file := BytesIO(), format="PNG")
    report = json.loads(
        client.post("/v1/restore", content=file.getvalue()).headers["Inpaint-Report"]
    )
    assert "palette" in report["warnings"][0]


def test_the_report_tells_what_was_done(
    client: TestClient, file: bytes, image: Pixels, encode: Encode
) -> None:
    report = json.loads(client.post("/v1/restore", content=file).headers["Inpaint-Report"])
    assert report["changed"] is True
    assert report["plan"].startswith("detect (magenta); inpaint (photo): ")
    assert set(report["seconds"]) == {"detect", "plan", "inpaint"}
    assert "overlay" in report["left_alone"][0]
    clean = encode(image)
    answer = client.post("/v1/restore", content=clean)
    assert json.loads(answer.headers["Inpaint-Report"])["changed"] is False
    assert answer.content == clean


def test_what_is_found_is_told_by_kind(
    client: TestClient, restorer: Restorer, damaged: Pixels, file: bytes
) -> None:
    answer = client.post("/v1/detect?dilation=3", content=file)
    found = answer.json()
    expected = restorer.detect(file, options=Options(detection=DetectionOptions(dilation=3)))
    planes = planes_of(found)
    sought = 0b011
    np.testing.assert_array_equal((planes & sought) > 0, expected.widened_mask > 0)
    assert [kind["kind"] for kind in found["kinds"]] == ["scratch", "speck", "overlay"]
    assert [kind["sought"] for kind in found["kinds"]] == [True, True, False]
    stripe = (damaged == (0, 255, 255)).all(axis=2)
    grown = cv2.dilate(
        stripe.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    )
    np.testing.assert_array_equal(planes >> 2, grown)
    assert found["kinds"][2]["fraction"] == stripe.mean()
    assert found["fraction"] == expected.masked_fraction


def test_what_is_found_restores_as_no_mask_does(
    client: TestClient, file: bytes, encode: Encode
) -> None:
    planes = planes_of(client.post("/v1/detect", content=file).json())
    union = np.where(planes & 0b011, 255, 0).astype(np.uint8)
    given = client.post("/v1/restore", files={"image": file, "mask": encode(union)})
    assert given.content == client.post("/v1/restore", content=file).content


def test_a_detection_can_be_a_picture(client: TestClient, restorer: Restorer, file: bytes) -> None:
    found = restorer.detect(file)
    for output, expected in (
        ("mask", found.widened_mask),
        ("probability", np.rint(found.probability() * 255)),
    ):
        answer = client.post(f"/v1/detect?output={output}", content=file)
        assert answer.headers["content-type"] == "image/png"
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(picture, expected)
    assert DetectionParameters().options() == Options()


def test_degradation_is_estimated(client: TestClient, restorer: Restorer, file: bytes) -> None:
    seen = client.post("/v1/estimate", content=file).json()
    expected = restorer.estimate_degradation(file)
    assert seen["noise"] == expected.noise
    assert seen["noise_sigma"] == expected.noise_sigma


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_a_browser_cannot_show_is_shown(
    client: TestClient, damaged: Pixels, tmp_path: object, dtype: type
) -> None:
    values = {np.uint8: damaged, np.uint16: damaged.astype(np.uint16) * 257}
    pixels = values.get(dtype, damaged.astype(np.float32) / 255)
    _, tiff = cv2.imencode(".tiff", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    answer = client.post("/v1/preview", content=tiff.tobytes())
    assert answer.status_code == 200, answer.text
    with Image.open(BytesIO(answer.content)) as shown:
        assert (shown.format, shown.mode) == ("JPEG", "RGB")
        difference = np.abs(np.asarray(shown).astype(int) - damaged)
    assert np.percentile(difference, 90) < 12


def test_models_and_limits_are_listed_when_they_are_loaded(settings: Settings) -> None:
    app = create_app(replace(settings, max_pixels=1000), WatchedPool(threads=2))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        while client.get("/readyz").status_code == 503:
            time.sleep(0.05)
        assert client.get("/readyz").status_code == 200
        offer = client.get("/v1/models").json()
    assert [model["name"] for model in offer["models"]] == ["photo", "auto", "clean"]
    assert offer["kinds"] == ["scratch", "speck", "overlay"]
    assert offer["max_pixels"] == 1000


def test_a_model_that_cannot_be_loaded_ends_the_server(settings: Settings) -> None:
    app = create_app(replace(settings, models=("photo", "nothing")), WatchedPool(threads=2))
    ended = threading.Event()
    app.state.service.on_failure = ended.set
    with TestClient(app, base_url="http://localhost") as client:
        assert ended.wait(60)
        assert client.get("/readyz").status_code == 503
    assert "there is no model 'nothing'" in str(app.state.service.failure)


def test_before_models_are_loaded_it_is_not_ready(client: TestClient) -> None:
    for path in ("/readyz", "/v1/models"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"content": b""}, "the image is empty"),
        ({"content": b"no picture"}, "is not a picture that can be read"),
        ({"files": {"mask": b"x"}}, "the form has no image"),
        ({"files": {"image": b""}}, "the image is empty"),
        ({"files": {"image": b"x", "other": b"x"}}, "other"),
        ({"files": {"image": b"x"}, "data": {"model": "auto"}}, "options belong in the address"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "boundary"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(
    client: TestClient, sent: dict[str, object], said: str
) -> None:
    answer = client.post("/v1/restore", **sent)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("threshold=2", "threshold"),
        ("strength=nan", "strength"),
        ("strategy=best", "strategy"),
        ("kinds=rust", "kinds asks for rust"),
        ("memory_mb=641", "at most 640"),
        ("modle=auto", "modle"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(
    client: TestClient, file: bytes, query: str, said: str
) -> None:
    answer = client.post(f"/v1/restore?{query}", content=file)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["message"]


def test_a_mask_of_another_size_is_said(client: TestClient, file: bytes, encode: Encode) -> None:
    other = encode(np.full((8, 8), 255, np.uint8))
    answer = client.post("/v1/restore", files={"image": file, "mask": other})
    assert answer.status_code == 422
    assert answer.json()["error"] == "MaskError"
    assert "must be of one size" in answer.json()["message"]


def test_the_servers_own_failure_is_no_traceback(
    client: TestClient, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    service = client.app.state.service  # type: ignore[attr-defined]
    monkeypatch.setattr(service.pictures, "restore", fail)
    answer = client.post("/v1/restore", content=file)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert client.post("/v1/detect", content=file).status_code == 200, "it goes on"


def test_numbers_are_counted(client: TestClient, file: bytes, image: Pixels) -> None:
    client.post("/v1/restore", content=file)
    client.post("/v1/restore", content=b"no picture")
    client.get("/nowhere/at/all")
    client.get("/v1/progress/somebodys")
    told = client.get("/metrics").text
    assert 'inpaint_requests_total{path="/v1/restore",status="200"} 1.0' in told
    assert 'inpaint_requests_total{path="/v1/restore",status="422"} 1.0' in told
    assert 'inpaint_requests_total{path="other",status="404"} 1.0' in told
    assert 'inpaint_requests_total{path="/v1/progress/{name}",status="404"} 1.0' in told
    assert 'inpaint_request_seconds_count{path="/v1/restore"} 2.0' in told
    pixels = float(image.shape[0] * image.shape[1])
    assert f'inpaint_pixels_total{{path="/v1/restore"}} {pixels}' in told
    assert "inpaint_queue 0.0" in told
