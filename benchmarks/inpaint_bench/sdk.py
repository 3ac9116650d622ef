"""The SDK around its networks, row by row, each in a process of its own and against a bar."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inpaint_bench.errors import BenchError, CannotRunError
from inpaint_bench.isolated import run_isolated
from inpaint_bench.schema import resume, write_result
from inpaint_bench.schema.common import percentiles
from inpaint_bench.schema.results import SdkResult, SdkRow
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.machine.memory import memory_rise_mb, resident_bytes
from inpaint_eval.pictures import Ratio
from inpaint_eval.scores import Pixels
from inpaint_eval.timing import ratios_of_turns, time_calls, time_in_turns
from inpaint_sdk import Restorer

IMPORT = """
import sys, time
started = time.perf_counter()
import inpaint_sdk
print(time.perf_counter() - started, int("torch" in sys.modules))
"""


def startup(runs: int = 10) -> SdkRow:
    """``import inpaint_sdk``, and ``inpaint-sdk restore`` up to the written picture."""
    command = [sys.executable, "-c", IMPORT]
    imports = [subprocess.check_output(command, text=True).split() for _ in range(runs)]
    size = (500, 500)
    with tempfile.TemporaryDirectory() as folder:
        image, mask, output = (f"{folder}/{name}.png" for name in ("image", "mask", "output"))
        cv2.imwrite(image, draw_picture(*size))
        cv2.imwrite(mask, draw_mask("strokes", *size, Ratio(10, 20)))
        command = [sys.executable, "-m", "inpaint_sdk", "restore", image, "--mask", mask]
        command += ["-o", output]
        first = time_calls(lambda: subprocess.check_output(command), runs)
    figures = {
        "import_milliseconds": _summary([1e3 * float(seconds) for seconds, _ in imports]),
        "imports_torch": any(torch == "1" for _, torch in imports),
        "first_result_milliseconds": _summary(first),
        "size": list(size),
    }
    return SdkRow(bar="imports_torch is false", figures=figures)


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {**percentiles(milliseconds), "runs": len(milliseconds)}


def photograph() -> SdkRow:
    """6000x4000 with 1 % of it in discs, beside Telea, and 12000x8000 with the same damage."""
    restorer = Restorer.load("photo", threads=2)
    rng = np.random.default_rng(1)
    picture, mask = draw_picture(4000, 6000), np.zeros((4000, 6000), np.uint8)
    for _ in range(20):
        x, y = int(rng.integers(80, 5920)), int(rng.integers(80, 3920))
        cv2.circle(mask, (x, y), 62, 255, -1)
    peak = memory_rise_mb(lambda: restorer.restore(picture, mask))
    large, large_mask = draw_picture(8000, 12000), np.pad(mask, ((0, 4000), (0, 6000)))
    turns = time_in_turns(
        {
            "photo": lambda: restorer.restore(picture, mask),
            "opencv-telea": lambda: cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA),
            "photo, 4 times as large": lambda: restorer.restore(large, large_mask),
        },
        blocks=5,
    )
    pairs = (("photo", "opencv-telea"), ("photo, 4 times as large", "photo"))
    over_telea, larger_over_small = ratios_of_turns(turns, pairs)
    figures = {
        "damaged": float((mask > 0).mean()),
        "peak_mb": peak,
        "milliseconds": {name: _summary(found.calls) for name, found in turns.items()},
        "over_telea": list(vars(over_telea.ratio).values()),
        "larger_over_small": list(vars(larger_over_small.ratio).values()),
    }
    bar = "over_telea <= 1.5, peak_mb < 400, larger_over_small <= 1.2"
    return SdkRow(bar=bar, figures=figures)


def mask_free() -> SdkRow:
    """4000x3000 in tiles: memory and time. That borders are not seen is a test's."""
    restorer = Restorer.load("cloud-thin", threads=2)
    picture = draw_picture(3000, 4000)
    haze = np.linspace(0.0, 0.5, 4000, dtype=np.float32)[None, :, None]
    picture = np.rint(picture * (1 - haze) + 235 * haze).astype(np.uint8)
    started = time.perf_counter()
    peak = memory_rise_mb(lambda: restorer.restore(picture))
    figures = {
        "model": restorer.model.name,
        "digest": restorer.model.digest,
        "seconds": time.perf_counter() - started,
        "peak_mb": peak,
    }
    return SdkRow(bar="peak_mb < 1000", figures=figures)


def video() -> SdkRow:
    """640x480 with a logo of 120x40, end to end, before a still and a moving scene with noise."""
    from inpaint_sdk.video import restore_video

    mask = np.zeros((480, 640), np.uint8)
    mask[20:60, 500:620] = 255
    restorer = Restorer.load("photo", threads=2, channels="rgb")
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, move in (("moving", 2), ("still", 0)):
            source, output = Path(folder) / f"{kind}.mkv", Path(folder) / f"{kind}_out.mkv"
            _write_scene(source, move)
            for steady in (True, False):
                started = time.process_time()
                report = restore_video(restorer, source, output, mask=mask, steady=steady)
                spent = time.process_time() - started
                row = {
                    "frames_a_second": report.frames / report.seconds,
                    "cpu_ms_a_frame": 1e3 * spent / report.frames,
                }
                if kind == "still":
                    row |= _deviations(output, mask)
                rows[f"{kind}, {'steady' if steady else 'not steady'}"] = row
    return SdkRow(bar="30 frames a second; deviation under the mask <= beside it", figures=rows)


def _write_scene(path: Path, move: int) -> None:
    """120 frames of 640x480 with noise. move: pixels from frame to frame."""
    import av

    rng = np.random.default_rng(0)
    scene = draw_picture(1000, 1400)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.codec_context.options = {"crf": "18", "preset": "ultrafast"}
        for start in (move * index for index in range(120)):
            frame = scene[start : start + 480, start : start + 640].astype(np.float32)
            frame = np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255)
            picture = av.VideoFrame.from_ndarray(frame.astype(np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _deviations(path: Path, mask: Pixels) -> dict[str, float]:
    """How much pixels of a video change from frame to frame, under the mask and beside it."""
    import av

    with av.open(str(path)) as container:
        frames = np.stack([f.to_ndarray(format="gray") for f in container.decode(video=0)])
    deviation = frames.astype(np.float32).std(axis=0)
    beside = cv2.dilate(mask, np.ones((81, 81), np.uint8)) - mask > 0
    return {
        "deviation_under_mask": float(deviation[mask > 0].mean()),
        "deviation_beside": float(deviation[beside].mean()),
    }


def stream(count: int = 200_000) -> SdkRow:
    """A synthetic camera of 160x120 as fast as it goes: memory, and what became of the frames."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 5, (16, 120, 160, 3), np.uint8)
    noisy = [cv2.add(draw_picture(120, 160), part).astype(np.uint8) for part in noise]
    camera = (noisy[index % len(noisy)].copy() for index in range(count))
    mask = np.zeros((120, 160), np.uint8)
    mask[10:30, 100:150] = 255
    restorer = Restorer.load("photo", threads=2)
    memory, given = [], 0
    started = time.perf_counter()
    options: dict[str, Any] = {"latency_budget": 0.5, "late": "passthrough", "steady": True}
    with restorer.stream(camera, mask, **options) as frames:
        for frame in frames:
            given += 1
            if frame.index % (count // 20) == count // 20 - 1:
                memory.append(resident_bytes() / 1e6)
    counts = frames.counts
    counted = counts.restored + counts.passed_through + counts.dropped + counts.waiting
    figures = {
        "frames": given,
        "seconds": time.perf_counter() - started,
        "counts": vars(counts),
        "uncounted": counts.captured - counted,
        "memory_mb": memory,
        "growth_mb": memory[-1] - memory[0],
    }
    return SdkRow(bar="growth_mb about 0, uncounted = 0", figures=figures)


ROWS: dict[str, Callable[..., SdkRow]] = {
    row.__name__: row for row in (startup, photograph, mask_free, video, stream)
}


def measure_sdk(names: Sequence[str], output: Path, remarks: str = "") -> SdkResult:
    """Measures some of :data:`ROWS`, written after each; others in ``output`` stay as they are.

    Raises:
        BenchError: ``output`` is of another machine or program, or a row failed.
    """
    result = resume(output, SdkResult.begin(remarks, kind="sdk", rows={}), same=())
    for name in names:
        try:
            row = run_isolated(ROWS[name])
        except CannotRunError as error:
            raise BenchError(f"the row {name} failed: {error}") from error
        result = result.with_more(rows={**result.rows, name: row})
        write_result(result, output)
    return result
