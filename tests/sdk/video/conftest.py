"""Videos that the tests draw."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Restorer
from inpaint_sdk.video.encoders import same_scheduling
from support.videos import Painter

av = pytest.importorskip("av")

HEIGHT, WIDTH, RATE = 120, 160, 25


def scene(index: int) -> NDArray[np.uint8]:
    """RGB: a smooth picture with a disc that moves."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 210, (5, 7, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    cv2.circle(picture, (20 + 3 * index, 90), 12, (230, 60, 40), -1)
    return picture


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture(scope="session")
def rgb() -> Restorer:
    """The bundled model, for comparing with frames in RGB."""
    return Restorer.load("photo", threads=2, channels="rgb")


@pytest.fixture
def logo() -> NDArray[np.uint8]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:30, 100:150] = 255
    return mask


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Writes a video: its name, and what is special about it."""

    def make(
        name: str = "in.mp4",
        *,
        count: int = 12,
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        audio: bool = False,
        times: list[int] | None = None,
        rotation: int = 0,
        colour_range: int | None = None,
        draw: Callable[[int], Any] = scene,  # RGB or RGBA, uint8 [H, W, C], or a frame
        options: dict[str, str] | None = None,
        prepare: Callable[[Any, Any], object] | None = None,  # the container and its video
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            container.metadata["title"] = "a title"
            stream = container.add_stream(codec, rate=RATE)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            if stream.codec_context.codec.frame_rates:
                stream.time_base = stream.codec_context.time_base = Fraction(1, RATE)
            stream.codec_context.options = options or ({"crf": "5"} if codec == "libx264" else {})
            if colour_range is not None:
                stream.codec_context.color_range = colour_range
            if rotation:
                stream.set_display_rotation(rotation)
            sound = container.add_stream("aac", rate=16_000) if audio else None
            if prepare is not None:
                prepare(container, stream)
            with same_scheduling():
                container.start_encoding()
            for index in range(count):
                frame = draw(index)
                if isinstance(frame, np.ndarray):
                    kind = "rgba" if frame.shape[2] == 4 else "rgb24"
                    frame = av.VideoFrame.from_ndarray(frame, format=kind)
                frame.pts = times[index] if times else index * 1000 // RATE
                frame.time_base = Fraction(1, 1000)
                container.mux(stream.encode(frame))
                if sound is not None:
                    samples = np.sin(np.arange(640)[None] / 9.0 + index).astype(np.float32)
                    part = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                    part.sample_rate, part.pts = 16_000, 640 * index
                    container.mux(sound.encode(part))
            container.mux(stream.encode(None))
            if sound is not None:
                container.mux(sound.encode(None))
        return path

    return make
