"""What is in a video file, and a restorer that needs no model."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from inpaint_sdk.images.image import Image
from inpaint_sdk.images.masks import masked_fraction
from inpaint_sdk.options import DetectionOptions, Options


class Painter:
    """In the place of a restorer, and of its frames: paints grey what a mask marks."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.mask: NDArray[np.uint8] | None = None

    def frames(self, mask: Any, **_: Any) -> Painter:
        self.mask = mask
        return self

    def detect(self, image: Image, *, options: Options | None) -> Any:
        self.looked_at += 1
        nothing = np.zeros(image.pixels.shape[:2], np.float32)
        return SimpleNamespace(probability=lambda: nothing, options=DetectionOptions())

    def run(self, image: Image, mask: Any = None, *, out: Any) -> Any:
        assert image.channels == "rgb"
        mask = mask if mask is not None else self.mask
        out[mask > 0] = out.dtype.type(np.iinfo(out.dtype).max // 2)
        plan = SimpleNamespace(
            changes=bool(mask.any()),
            changes_everywhere=False,
            mask=mask,
            masked_fraction=masked_fraction(mask),
            unrestorable="",
        )
        return SimpleNamespace(image=out, plan=plan)


def frames_of(path: Path) -> list[NDArray[Any]]:
    """A video's frames in RGB, by PyAV alone: [H, W, 3], uint16 of more than 8 bits."""
    import av

    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            is_deep = frame.format.components[0].bits > 8
            pixels = frame.to_ndarray(format="rgb48le" if is_deep else "rgb24")
            frames.append(np.rot90(pixels, round(frame.rotation / 90) % 4))
    return frames


def write_video(
    path: Path, frames: Iterable[NDArray[np.uint8]], options: dict[str, str] | None = None
) -> None:
    """Writes BGR frames as H.264, 25 a second. options: of the encoder."""
    import av

    frames = iter(frames)
    first = next(frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in itertools.chain([first], frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))


def write_exif_video(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Writes three JPEGs of RGB pixels, as some cameras do; their EXIF says: turn to the right."""
    import av

    exif, jpeg = PILImage.Exif(), io.BytesIO()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    PILImage.fromarray(pixels).save(jpeg, "JPEG", exif=exif)
    height, width = pixels.shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream("mjpeg", rate=25, width=width, height=height)
        for index in range(3):
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), True
            packet.pts = packet.dts = index
            container.mux(packet)
