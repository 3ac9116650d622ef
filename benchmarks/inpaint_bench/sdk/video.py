"""Video from file to file."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inpaint_bench.schema.sdk import SdkRow
from inpaint_eval.drawn import draw_picture
from inpaint_sdk import Restorer


def video() -> SdkRow:
    """640x480 with a logo of 120x40, end to end, before a still and a moving scene with noise."""
    import av

    from inpaint_sdk.video import restore_video

    mask = np.zeros((480, 640), np.uint8)
    mask[20:60, 500:620] = 255
    restorer = Restorer.load("photo", threads=2, channels="rgb")
    rng = np.random.default_rng(0)
    scene = draw_picture(1000, 1400)
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, move in (("moving", 2), ("still", 0)):
            source, output = Path(folder) / f"{kind}.mkv", Path(folder) / f"{kind}_out.mkv"
            with av.open(str(source), "w") as container:
                stream: Any = container.add_stream("libx264", rate=30)
                stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
                stream.codec_context.options = {"crf": "18", "preset": "ultrafast"}
                for index in range(120):
                    start = move * index
                    frame = scene[start : start + 480, start : start + 640].astype(np.float32)
                    frame = np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255)
                    picture = av.VideoFrame.from_ndarray(frame.astype(np.uint8), format="rgb24")
                    container.mux(stream.encode(picture))
                container.mux(stream.encode(None))
            for steady in (True, False):
                cpu = resource.getrusage(resource.RUSAGE_SELF)
                report = restore_video(restorer, source, output, mask=mask, steady=steady)
                used = resource.getrusage(resource.RUSAGE_SELF)
                spent = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
                row: dict[str, Any] = {
                    "frames_a_second": report.frames / report.seconds,
                    "cpu_ms_a_frame": 1e3 * spent / report.frames,
                }
                if kind == "still":
                    with av.open(str(output)) as container:
                        frames = np.stack(
                            [f.to_ndarray(format="gray") for f in container.decode(video=0)]
                        )
                    deviation = frames.astype(np.float32).std(axis=0)
                    beside = cv2.dilate(mask, np.ones((81, 81), np.uint8)) - mask > 0
                    row["deviation_under_mask"] = float(deviation[mask > 0].mean())
                    row["deviation_beside"] = float(deviation[beside].mean())
                rows[f"{kind}, {'steady' if steady else 'not steady'}"] = row
    bar = "30 frames a second; deviation under the mask <= beside it"
    return SdkRow(bar=bar, figures=rows)
