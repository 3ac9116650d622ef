"""The same pictures under the same options come out the same through every door, bit for bit."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import BackendError, Options, Restorer, restore_video
from inpaint_sdk.cli.main import main
from inpaint_sdk.gstreamer import plugin_settings
from support.videos import frames_of

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH, COUNT = 64, 96, 3


@dataclass(frozen=True)
class Case:
    """What is asked of every door. degraded: pictures are noisy, and cleaning is asked for.

    strength: of the cleaning; 0.375 is a number of 32 bits, too, as GStreamer may have it.
    """

    model: str
    masked: bool = False
    clouds: str | None = None
    degraded: bool = False
    strength: float = 0.5

    def load(self, detector: Path, channels: Any = "bgr") -> Restorer:
        return Restorer.load(
            self.model,
            threads=2,
            detector=detector,
            clouds=self.clouds,  # type: ignore[arg-type]
            channels=channels,
            options=Options(enhance=self.degraded, strength=self.strength),
        )


CASES = {
    "photo under a mask": Case("photo", masked=True),
    "photo, what is found": Case("photo"),
    "auto under a mask": Case("auto", masked=True, degraded=True),
    "auto, noisy and scratched": Case("auto", degraded=True),
    "auto, thin clouds": Case("auto", clouds="thin"),
    "auto, thick clouds under a mask": Case("auto", masked=True, clouds="thick"),
    "clean": Case("clean", degraded=True),
    "clean, gently": Case("clean", degraded=True, strength=0.375),
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def mask() -> Pixels:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:28, 10:60] = 255
    return mask


@pytest.fixture(scope="module")
def given(case: Case) -> list[Pixels]:
    """Frames in BGR: a smooth picture that moves, with a magenta scratch where it was yesterday."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(30, 220, (6, 9, 3)).astype(np.uint8)
    scene = cv2.resize(coarse, (WIDTH + 40, HEIGHT), interpolation=cv2.INTER_CUBIC)
    frames = []
    for index in range(COUNT):
        frame = scene[:, 10 * index : 10 * index + WIDTH].astype(np.int16)
        if case.degraded:
            frame = frame + rng.normal(0.0, 30.0, frame.shape).astype(np.int16)
        frame = np.clip(frame, 0, 255).astype(np.uint8)
        frame[8:11, 30 + 5 * index : 70] = (255, 0, 255)
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def expected(case: Case, given: list[Pixels], mask: Pixels, detector_file: Path) -> list[Pixels]:
    """What ``restore`` makes of each, and that it makes something of it."""
    restorer = case.load(detector_file)
    results = [restorer.restore(frame, mask if case.masked else None) for frame in given]
    for frame, result in zip(given, results, strict=True):
        assert (frame != result).any()
    return results


Door = Callable[[Case, list[Pixels], "Pixels | None", Path, Path], list[Pixels]]


def loop(case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path) -> Any:
    restore = case.load(detector).frames(mask)
    return [restore(frame) for frame in given]


def in_place(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    restore = case.load(detector).frames(mask)
    frames = [frame.copy() for frame in given]
    for frame in frames:
        assert restore(frame, out=frame) is frame
    return frames


def mask_for_each_frame(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    restore = case.load(detector).frames()
    return [restore(frame, mask) for frame in given]


def many(case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path) -> Any:
    return list(case.load(detector).restore_many((frame, mask) for frame in given))


def planned(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    restorer = case.load(detector)
    return [restorer.plan(frame, mask).run().image for frame in given]


def pil(case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path) -> Any:
    restorer = case.load(detector)
    pictures = [Image.fromarray(frame[..., ::-1].copy()) for frame in given]
    return [np.asarray(restorer(picture, mask))[..., ::-1] for picture in pictures]


def encoded(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    restorer = case.load(detector)
    results = []
    for frame in given:
        file = BytesIO()
        Image.fromarray(frame[..., ::-1].copy()).save(file, format="PNG")
        restored = np.frombuffer(restorer(file.getvalue(), mask), np.uint8)
        results.append(cv2.imdecode(restored, cv2.IMREAD_COLOR))
    return results


def rgb(case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path) -> Any:
    restorer = case.load(detector, channels="rgb")
    frames = [np.ascontiguousarray(frame[..., ::-1]) for frame in given]
    return [restorer(frame, mask)[..., ::-1] for frame in frames]


def command_line(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    for name in ("in", "masks"):
        (folder / name).mkdir()
    for index, frame in enumerate(given):
        cv2.imwrite(str(folder / "in" / f"{index}.png"), frame)
        if mask is not None:
            cv2.imwrite(str(folder / "masks" / f"{index}.png"), mask)
    command = ["restore", "in", "-o", "out", "--model", case.model, "--detector", str(detector)]
    command += ["--threads", "2"]
    if case.degraded:
        command += ["--enhance", "--strength", str(case.strength)]
    if mask is not None:
        command += ["--mask", "masks"]
    if case.clouds is not None:
        command += ["--clouds", case.clouds]
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(main, command)
    finally:
        os.chdir(before)
    assert result.exit_code == 0, result.output
    return [cv2.imread(str(folder / "out" / f"{index}.png")) for index in range(len(given))]


def stream(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    with case.load(detector).stream(iter(given), mask) as frames:
        return [frame.image for frame in frames]


def video(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    av = pytest.importorskip("av")
    with av.open(str(folder / "in.mkv"), "w") as container:
        track = container.add_stream("ffv1", rate=25)
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for frame in given:
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            container.mux(track.encode(picture.reformat(format="bgr0")))
        container.mux(track.encode(None))
    restore_video(
        case.load(detector), folder / "in.mkv", folder / "out.mkv", mask=mask, steady=False
    )
    return [frame[..., ::-1] for frame in frames_of(folder / "out.mkv")]


def gstreamer(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("GStreamer is not installed (gst-launch-1.0)")
    try:
        settings: Mapping[str, str] = plugin_settings()
    except BackendError as error:
        pytest.skip(str(error))
    (folder / "in.raw").write_bytes(b"".join(frame.tobytes() for frame in given))
    element = f"inpaintrestore model={case.model} detector={detector} steady=false"
    if mask is not None:
        cv2.imwrite(str(folder / "mask.png"), mask)
        element += " mask=mask.png"
    elif case.clouds is None and case.model != "clean":
        element += " damage=frame"
    if case.clouds is not None:
        element += f" clouds={case.clouds}"
    if case.degraded:
        element += f" enhance=true strength={case.strength}"
    form = f"format=bgr width={WIDTH} height={HEIGHT} framerate=25/1"
    pipeline = (
        f"filesrc location=in.raw ! rawvideoparse {form} ! {element} ! filesink location=out.raw"
    )
    run = subprocess.run(
        ["gst-launch-1.0", "-q", *pipeline.split()],
        env={**os.environ, **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "no element" in run.stderr and "rawvideoparse" in run.stderr:
        pytest.skip("GStreamer has no rawvideoparse (gstreamer1.0-plugins-base)")
    assert run.returncode == 0, run.stderr
    return list(np.fromfile(folder / "out.raw", np.uint8).reshape(-1, HEIGHT, WIDTH, 3))


def server(
    case: Case, given: list[Pixels], mask: Pixels | None, folder: Path, detector: Path
) -> Any:
    pytest.importorskip("httpx2")
    from fastapi.testclient import TestClient

    from inpaint_sdk.server.app import create_app
    from inpaint_sdk.server.jobs import WatchedPool
    from inpaint_sdk.server.settings import Settings

    if case.clouds is not None:
        pytest.skip("the server has the models for clouds by their own names")
    settings = Settings(models=(case.model,), detector=str(detector))
    app = create_app(settings, WatchedPool(threads=2))
    client = TestClient(app, base_url="http://localhost")
    address = f"/v1/restore?model={case.model}&strength={case.strength}&enhance={case.degraded}"
    results = []
    for frame in given:
        files = {"image": cv2.imencode(".png", frame)[1].tobytes()}
        if mask is not None:
            files["mask"] = cv2.imencode(".png", mask)[1].tobytes()
        answer = client.post(address, files=files)
        assert answer.status_code == 200, answer.text
        results.append(cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR))
    app.state.service.queue.close()
    return results


DOORS: tuple[Door, ...] = (
    loop,
    in_place,
    mask_for_each_frame,
    many,
    planned,
    pil,
    encoded,
    rgb,
    command_line,
    stream,
    video,
    gstreamer,
    server,
)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_door_leads_to_the_same_picture(
    door: Door,
    case: Case,
    given: list[Pixels],
    expected: list[Pixels],
    mask: Pixels,
    detector_file: Path,
    tmp_path: Path,
) -> None:
    before = [frame.copy() for frame in given]
    found = door(case, given, mask if case.masked else None, tmp_path, detector_file)
    assert len(found) == len(expected)
    for result, reference in zip(found, expected, strict=True):
        np.testing.assert_array_equal(result, reference)
    np.testing.assert_array_equal(given, before, "the caller's frames were written to")
