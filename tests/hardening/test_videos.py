"""Videos with random damage to their bytes: an ``InpaintError`` or a result, in good time.

INPAINT_FUZZ_VIDEOS=500 tries as many, INPAINT_FUZZ_SEED=N begins with another.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import shutil
import subprocess
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hardening.processes import environment

av = pytest.importorskip("av")

COUNT = int(os.environ.get("INPAINT_FUZZ_VIDEOS", "60"))
SEED = int(os.environ.get("INPAINT_FUZZ_SEED", "0"))
SECONDS = 10.0
"""How long one video may keep the processor busy."""

PATIENCE = 60.0
"""Seconds without an answer after which it hangs, on a machine that others use too."""

MEMORY = 4 << 30
"""Bytes that a process may ask for."""

SIZE = 32, 24
FRAMES = 8
CLIPS: dict[str, tuple[str, str, str | None]] = {  # video codec, pixel format, audio codec
    "h264.mp4": ("libx264", "yuv420p", "aac"),
    "h264.mkv": ("libx264", "yuv444p", "aac"),
    "mpeg4.avi": ("mpeg4", "yuv420p", "mp3"),
    "vp9.webm": ("libvpx-vp9", "yuva420p", None),
    "h264.ts": ("libx264", "yuv420p", "mp2"),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", "mp2"),
    "prores.mov": ("prores_ks", "yuva444p10le", None),
    "h264.h264": ("libx264", "yuv420p", None),
    "ffv1.mkv": ("ffv1", "yuv420p10le", None),
    "flv.flv": ("flv", "yuv420p", None),
    "hevc.mp4": ("libx265", "yuv420p10le", "aac"),
    "wmv2.wmv": ("wmv2", "yuv420p", None),
    "mpeg2.mxf": ("mpeg2video", "yuv420p", None),
    "raw.avi": ("rawvideo", "bgr24", None),
}


def make_clip(path: Path, codec: str, pixel_format: str, audio: str | None) -> None:
    rng = np.random.default_rng(len(path.name))
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "a title"
        stream = container.add_stream(codec, rate=25)
        (stream.width, stream.height), stream.pix_fmt = SIZE, pixel_format
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": "2", "g": "4"}
        if codec == "libx265":
            stream.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
        sound = container.add_stream(audio, rate=44_100) if audio else None
        picture = rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, index, axis=1), format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            for index in range(44_100 * FRAMES // 25 // 1024):
                silence = np.zeros((2, 1024), np.float32)
                part = av.AudioFrame.from_ndarray(silence, format="fltp", layout="stereo")
                part.sample_rate, part.pts = 44_100, 1024 * index
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage as it comes: single bits and bytes, zeros, and parts that are missing or double."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        # Half of it at the beginning or at the end, where headers and indices are.
        size, end = len(found), min(1024, len(found))
        start, stop = [(0, size), (0, end), (size - end, size)][rng.choice(3, p=[0.5, 0.25, 0.25])]
        at = int(rng.integers(start, stop))
        length = int(rng.integers(1, max(2, min(400, len(found) - at))))
        match rng.integers(0, 7):
            case 0:
                found[at] ^= 1 << int(rng.integers(0, 8))
            case 1:
                found[at] = int(rng.choice([0, 1, 127, 128, 255]))
            case 2:
                found[at : at + 4] = int(rng.integers(0, 2**32)).to_bytes(4, "big")
            case 3:
                found[at : at + length] = bytes(length)
            case 4:
                del found[at : at + length]
            case 5:
                found[at:at] = found[at : at + length]
            case 6:
                del found[max(16, at + length) :]
    return bytes(found)


def attempt(folder: Path, seed: int) -> str:
    """What became of one video; raises what should not be."""
    from inpaint_sdk import FileWarning, InpaintError, MetadataWarning
    from inpaint_sdk.media.reading import open_container
    from inpaint_sdk.stream import open_source
    from inpaint_sdk.video import restore_video
    from support.videos import Painter

    class Careful(Painter):
        def run(self, image: Any, mask: Any = None, *, out: NDArray[Any]) -> Any:
            from inpaint_sdk import ImageError

            own = mask if mask is not None else self.mask
            if own is not None and own.shape != out.shape[:2]:
                raise ImageError("the mask has another size")
            return super().run(image, mask, out=out)

    rng = np.random.default_rng(seed)
    name = sorted(CLIPS)[seed % len(CLIPS)]
    work = folder / str(seed)
    work.mkdir()
    whole, source = folder / name, work / f"in{Path(name).suffix}"
    damaged = mutate(whole.read_bytes(), rng)
    source.write_bytes(damaged)
    output = work / (f"out{source.suffix}" if rng.random() < 0.8 else "out.mkv")
    output.write_bytes(b"old")
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[4:12, 8:20] = 255
    door = rng.choice(["mask", "static", "masks", "stream"], p=[0.6, 0.1, 0.15, 0.15])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in (FileWarning, MetadataWarning):
            warnings.simplefilter("ignore", category)
        try:
            if door == "stream":
                with open_source(str(source)) as frames:
                    return f"read {sum(1 for _ in frames)} frames"
            if door == "masks":
                report = restore_video(Careful(), whole, output, mask_video=source)
            elif door == "static":
                report = restore_video(Careful(), source, output, damage="static")
            else:
                report = restore_video(Careful(), source, output, mask=mask)
        except InpaintError as error:
            assert output.read_bytes() == b"old", "the old file is lost"
            return f"{type(error).__name__}: {error}"
        finally:
            assert sorted(work.iterdir()) == sorted([source, output]), "something is left behind"
            assert source.read_bytes() == damaged, "the source is changed"
    with open_container(output, "r") as container:  # its texts may be damaged too
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == report.frames, f"{frames} frames were written of {report.frames}"
    return "restored"


def work_on(folder: Path, seeds: range) -> None:
    """Prints a line of JSON before and after each video."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    av.logging.set_level(av.logging.PANIC)
    for seed in seeds:
        print(json.dumps({"begun": seed}), flush=True)
        begun = time.process_time()
        try:
            found = {"became": attempt(folder, seed)}
            shutil.rmtree(folder / str(seed))  # of what went wrong it stays
        except BaseException:
            found = {"wrong": traceback.format_exc()}
        seconds = time.process_time() - begun
        if seconds > SECONDS:
            found = {"wrong": f"it takes {seconds:.1f} s"}
        print(json.dumps({"seed": seed, "seconds": seconds, **found}), flush=True)


def watch(folder: Path, seeds: range) -> list[dict[str, Any]]:
    """The same in another process, which may crash or hang."""
    command = [sys.executable, __file__, str(folder), str(seeds.start), str(seeds.stop)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(SVT_LOG="1"),
        text=True,
    )
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()

    def read(stream: Any) -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, args=(process.stdout,), daemon=True)
    reader.start()
    found: list[dict[str, Any]] = []
    begun = seeds.start
    try:
        while True:
            try:
                line = lines.get(timeout=PATIENCE)
            except queue.Empty:
                return [*found, {"seed": begun, "wrong": "it hangs"}]
            if line is None:
                if process.wait():
                    found.append({"seed": begun, "wrong": f"it ended with {process.returncode}"})
                return found
            told = json.loads(line)
            if "begun" in told:
                begun = told["begun"]
            else:
                found.append(told)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def run(folder: Path, seeds: range) -> list[dict[str, Any]]:
    """What became of all; after a crash or a hang, of those that follow too."""
    for name, (codec, pixel_format, audio) in CLIPS.items():
        make_clip(folder / name, codec, pixel_format, audio)
    found: list[dict[str, Any]] = []
    while seeds:
        found += watch(folder, seeds)
        seeds = range(found[-1]["seed"] + 1, seeds.stop)
    return found


@pytest.mark.slow
def test_damaged_videos(tmp_path: Path) -> None:
    found = run(tmp_path, range(SEED, SEED + COUNT))
    wrong = [each for each in found if "wrong" in each]
    assert not wrong, "\n\n".join(f"seed {each['seed']}: {each['wrong']}" for each in wrong)
    assert sum(each["became"] == "restored" for each in found) > COUNT / 10
    assert any("Error" in each["became"] for each in found)


if __name__ == "__main__":
    work_on(Path(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3])))
