"""Large pictures, video and streams against their bars: ``python -m inpaint_bench.large``.

Each row runs in a process of its own, so that its peak of memory is its own. Pictures are drawn.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_bench.machine import describe_machine
from inpaint_bench.timing import interleaved, ratio_interval, summarise
from inpaint_sdk import Restorer

Pixels = NDArray[np.uint8]
Row = dict[str, Any]


def draw(height: int, width: int, seed: int = 0) -> Pixels:
    """Smooth colours with fine detail, uint8 BGR."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, (height // 80 + 2, width // 80 + 2, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    detail = rng.integers(0, 16, (512, 512, 3)).astype(np.uint8)
    tiled = np.tile(detail, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    return cv2.add(picture, tiled).astype(np.uint8)


def damage(height: int, width: int) -> Pixels:
    """Twenty discs, which cover 1 % of 6000x4000 pixels, within the upper left 6000x4000."""
    rng = np.random.default_rng(1)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(20):
        x, y = int(rng.integers(80, 5920)), int(rng.integers(80, 3920))
        cv2.circle(mask, (x, y), 62, 255, -1)
    return mask


def peak_of(work: Callable[[], object]) -> float:
    """By how many megabytes the process's resident memory rises at most while work is done."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far (Linux)
    before = _status("VmRSS")
    work()
    return (_status("VmHWM") - before) / 1e6


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def photograph() -> Row:
    """6000x4000 beside Telea, and 12000x8000 with the same damage."""
    restorer = Restorer.load("photo", threads=2)
    picture, mask = draw(4000, 6000), damage(4000, 6000)
    peak = peak_of(lambda: restorer.restore(picture, mask))
    large, large_mask = draw(8000, 12000), damage(8000, 12000)
    times = interleaved(
        {
            "photo": lambda: restorer.restore(picture, mask),
            "opencv-telea": lambda: cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA),
            "photo, 4 times as large": lambda: restorer.restore(large, large_mask),
        },
        rounds=5,
        warmup=1,
    )
    return {
        "damaged": float((mask > 0).mean()),
        "peak_mb": peak,
        "milliseconds": {name: vars(summarise(seconds)) for name, seconds in times.items()},
        "over_telea": ratio_interval(times["photo"], times["opencv-telea"]),
        "larger_over_small": ratio_interval(times["photo, 4 times as large"], times["photo"]),
        "bar": "over_telea <= 1.5, peak_mb < 400, larger_over_small <= 1.2",
    }


def mask_free(model: str) -> Row:
    """4000x3000 in tiles: memory, the step across their borders, and beside one untiled run."""
    from inpaint_sdk.boxes import DEFAULT_MEMORY_MB
    from inpaint_sdk.restoration import Cleaner

    restorer = Restorer.load(model, threads=2)
    picture = draw(3000, 4000)
    haze = np.linspace(0.0, 0.5, 4000, dtype=np.float32)[None, :, None]
    picture = np.rint(picture * (1 - haze) + 235 * haze).astype(np.uint8)
    results: list[Pixels] = []
    seconds = time.perf_counter()
    peak = peak_of(lambda: results.append(restorer.restore(picture)))
    seconds = time.perf_counter() - seconds
    tiled = results[0].astype(np.int16)
    cleaner = Cleaner(restorer._session, restorer.model, "auto", DEFAULT_MEMORY_MB)
    axes = cleaner.cut(3000, 4000)
    change = tiled - picture  # what the model did: the picture's own edges are not steps of it
    steps = [np.abs(np.diff(change, axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)]
    at_borders, elsewhere = [], []
    for axis, step in zip(axes, steps, strict=True):
        borders = np.zeros(len(step), bool)
        for start, end in zip(axis.starts[1:], axis.ends[:-1], strict=True):
            borders[start - 1 : end] = True
        at_borders.append(step[borders].mean() if borders.any() else 0.0)
        elsewhere.append(step[~borders].mean())
    whole = restorer.restore(picture, memory_mb=4000).astype(np.int16)
    difference = np.abs(tiled - whole)[256:-256, 256:-256]
    return {
        "model": restorer.model.name,
        "digest": restorer.model.digest,
        "tiles": [len(axis.starts) for axis in axes],
        "seconds": seconds,
        "peak_mb": peak,
        "mean_step_at_borders": [float(s) for s in at_borders],
        "mean_step_inside_tiles": [float(s) for s in elsewhere],
        "from_untiled": {
            "mean": float(difference.mean()),
            "p99": float(np.percentile(difference, 99)),
            "max": int(difference.max()),
        },
        "bar": "peak_mb < 1000, step at borders <= inside, from_untiled max <= 1",
    }


def video() -> Row:
    """640x480 with a logo of 120x40, end to end, before a still and a moving scene with noise."""
    import av

    from inpaint_sdk.video import restore_video

    mask = np.zeros((480, 640), np.uint8)
    mask[20:60, 500:620] = 255
    restorer = Restorer.load("photo", threads=2, channels="rgb")
    rng = np.random.default_rng(0)
    scene = draw(1000, 1400)
    rows: Row = {"bar": "30 frames a second; deviation under the mask <= beside it"}
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
                row: Row = {
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
    return rows


def threads() -> Row:
    """1000 calls by 8 threads on one Restorer, beside the same calls by one."""
    restorer = Restorer.load("photo", threads=1)
    pictures = [draw(96, 128, seed) for seed in range(10)]
    mask = np.zeros((96, 128), np.uint8)
    mask[30:60, 40:90] = 255
    expected = [restorer.restore(picture, mask) for picture in pictures]

    def differs(index: int) -> bool:
        found = restorer.restore(pictures[index % 10], mask)
        return not np.array_equal(found, expected[index % 10])

    with ThreadPoolExecutor(8) as pool:
        different = sum(pool.map(differs, range(1000)))
    return {"calls": 1000, "different": different, "bar": "different = 0"}


def stream(count: int = 200_000) -> Row:
    """A synthetic camera of 160x120 as fast as it goes: memory, and what became of the frames."""
    rng = np.random.default_rng(0)
    noisy = [
        cv2.add(draw(120, 160), rng.integers(0, 5, (120, 160, 3), np.uint8)) for _ in range(16)
    ]

    def camera() -> Iterator[Pixels]:
        for index in range(count):
            yield noisy[index % len(noisy)].astype(np.uint8)

    mask = np.zeros((120, 160), np.uint8)
    mask[10:30, 100:150] = 255
    restorer = Restorer.load("photo", threads=2)
    memory, given = [], 0
    started = time.perf_counter()
    with restorer.stream(camera(), mask, budget=0.5, late="pass", steady=True) as frames:
        for frame in frames:
            given += 1
            if frame.index % (count // 20) == count // 20 - 1:
                memory.append(_status("VmRSS") / 1e6)
    counts = vars(frames.counts)
    return {
        "frames": given,
        "seconds": time.perf_counter() - started,
        "counts": counts,
        "uncounted": counts["captured"]
        - sum(counts[name] for name in ("restored", "passed", "dropped", "waiting")),
        "memory_mb": memory,
        "growth_mb": memory[-1] - memory[0],
        "bar": "growth_mb about 0, uncounted = 0",
    }


def _run_into(pipe: Any, work: Callable[..., Row], arguments: tuple[str, ...]) -> None:
    pipe.send(work(*arguments))


def in_process(work: Callable[..., Row], *arguments: str) -> Row:
    """Runs one row in a fresh process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run_into, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        row: Row = here.recv()
    except EOFError as error:
        raise RuntimeError(f"{work.__name__} failed") from error
    process.join()
    return row


ROWS: dict[str, Callable[..., Row]] = {
    "photograph": photograph,
    "video": video,
    "threads": threads,
    "stream": stream,
    "mask_free": mask_free,
}


@click.command()
@click.option("--rows", default=",".join(ROWS), show_default=True, help="What to measure.")
@click.option("--mask-free-model", default="cloud-thin", show_default=True, help="Name or file.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(rows: str, mask_free_model: str, output: Path) -> None:
    """Measure large pictures, video, threads and streams, and write JSON.

    Rows that are in OUTPUT already and are not measured stay as they are.
    """
    unknown = set(rows.split(",")) - set(ROWS)
    if unknown:
        raise click.UsageError(f"no row {', '.join(unknown)}; there are: {', '.join(ROWS)}")
    result: Row = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    for name in rows.split(","):
        arguments = [mask_free_model] if name == "mask_free" else []
        row = in_process(ROWS[name], *arguments)
        result[name] = {**row, "machine": describe_machine()}
        click.echo(json.dumps({name: row}, indent=1))
        output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
