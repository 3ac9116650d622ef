"""Hours of work: memory, open files and threads stay what they were after the warm-up.

``python test_soak.py MINUTES [KIND...]`` soaks each as long, in a table, and ``KIND=STEPS`` as far;
the tests do some steps.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from statistics import median
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

from hardening.processes import run_alone
from inpaint_sdk import Restorer
from support.videos import write_video

GROWTH = 12.0
"""MB by which memory may differ: what the allocator keeps varies."""

FEW = 3
"""Files and threads by which they may differ: of connections, and of frames that wait."""

Tick = Callable[[int], bool]
"""Told how much was done so far, samples, and says whether to go on."""


def test_a_stream() -> None:
    check("stream")


def test_a_long_video() -> None:
    pytest.importorskip("av")
    check("video")


def test_a_server() -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx2")
    check("server")


def test_loads() -> None:
    check("loads")


def check(kind: str) -> None:
    row = json.loads(run_alone([sys.executable, __file__, "0", kind, "--row"]))
    assert row["flat"], row


@dataclass(frozen=True)
class Sample:
    """Of a process at one time. memory: resident, in MB."""

    memory: float
    files: int
    threads: int

    @classmethod
    def of(cls, process: int) -> Sample:
        folder = Path(f"/proc/{process}")
        fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        memory = int(fields["VmRSS"].split()[0]) / 1024
        return cls(memory, len(list((folder / "fd").iterdir())), int(fields["Threads"]))


class Soak:
    """Samples a process, until so many seconds are over or so many steps done.

    Of the samples the first third is warm-up; the middle one is compared with the last.
    """

    def __init__(self, seconds: float, steps: int) -> None:
        self.process = os.getpid()
        self.seconds, self.steps = seconds, steps
        self.began = time.monotonic()
        self.done = 0
        self.samples: list[Sample] = []

    def tick(self, done: int) -> bool:
        self.done = done
        self.samples.append(Sample.of(self.process))
        return self.elapsed < self.seconds if self.seconds else done < self.steps

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def row(self, remark: str) -> Row:
        third = len(self.samples) // 3
        assert third > 1, "too few samples"
        warm, end = self.samples[third : 2 * third], self.samples[-third:]
        memory = [round(median(sample.memory for sample in part), 1) for part in (warm, end)]
        files = [round(median(sample.files for sample in part)) for part in (warm, end)]
        threads = [round(median(sample.threads for sample in part)) for part in (warm, end)]
        flat = (
            memory[1] - memory[0] < GROWTH
            and files[1] <= files[0] + FEW
            and threads[1] <= 1.5 * threads[0] + FEW
        )
        return Row(self.elapsed / 60, self.done, memory, files, threads, remark, flat)


@dataclass(frozen=True)
class Row:
    """What was measured; pairs are after the warm-up and at the end. memory: MB."""

    minutes: float
    done: int
    memory: list[float]
    files: list[int]
    threads: list[int]
    remark: str
    flat: bool


def draw(index: int, height: int = 120, width: int = 160) -> NDArray[np.uint8]:
    """A frame with something that moves, uint8 [H, W, 3]."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows + index, columns - index, rows + columns], axis=-1).astype(np.uint8)


def mark(height: int = 120, width: int = 160) -> NDArray[np.uint8]:
    mask = np.zeros((height, width), np.uint8)
    mask[10:20, 30:50] = 255
    return mask


def stream(soak: Soak) -> str:
    """A source that never waits: most frames are dropped, and each of them is counted."""
    drawn = [draw(index) for index in range(16)]
    given = 0

    def source() -> Iterator[NDArray[np.uint8]]:
        nonlocal given
        while True:
            given += 1
            yield drawn[given % 16]

    with Restorer.load("photo", threads=8) as restorer:
        with restorer.stream(source(), mark(), latency_budget=0.5) as frames:
            last, taken, missing = -1, 0, 0
            for frame in frames:
                assert frame.index > last
                missing += frame.index - last - 1
                last, taken = frame.index, taken + 1
                if taken % 20 == 0 and not soak.tick(taken):
                    break
        counts = frames.counts
    assert counts.captured == counts.restored + counts.passed_through + counts.dropped
    assert not counts.waiting
    assert given - counts.captured in (0, 1), "the last may have come when it was closed"
    assert 0 <= counts.restored - taken <= 2, "of what is ready, the queue's size is given up"
    assert missing <= counts.dropped
    return f"{counts.captured} captured, {counts.restored} restored, {counts.dropped} dropped"


def video(soak: Soak) -> str:
    """One long file; how long it must be, a short one tells."""
    from inpaint_sdk.video import restore_video

    with tempfile.TemporaryDirectory() as name, Restorer.load("photo", threads=1) as restorer:
        source, output = Path(name) / "in.mp4", Path(name) / "out.mp4"
        count = soak.steps
        if soak.seconds:
            write_drawn(source, 200)
            report = restore_video(restorer, source, output, mask=mark(48, 64))
            count = round(report.frames / report.seconds * soak.seconds)
        write_drawn(source, count)
        soak.began = time.monotonic()

        def progress(done: int, _: int) -> None:
            if done % 20 == 0:
                soak.tick(done)

        report = restore_video(restorer, source, output, mask=mark(48, 64), progress=progress)
        assert report.frames == count
    return "one file, 64 x 48"


def write_drawn(path: Path, count: int) -> None:
    drawn = (draw(index, 48, 64) for index in range(count))
    write_video(path, drawn, {"preset": "ultrafast"})


def server(soak: Soak) -> str:
    """Four clients that restore pictures, send what is none, and leave half-way."""
    import httpx2

    from support.server import png, process, until_ready

    picture, mask = png(draw(0)), png(mark())
    done: Queue[str] = Queue(4)  # so that clients stop soon after the end
    ended = threading.Event()

    def ask(address: str) -> None:
        with httpx2.Client(timeout=300) as client:
            for turn in itertools.count():
                if ended.is_set():
                    return
                if turn % 10 == 8:
                    leave(address)
                    done.put("left")
                    continue
                image = b"none" if turn % 10 == 4 else picture
                files = {"image": ("a.png", image), "mask": ("b.png", mask)}
                answer = client.post(f"{address}v1/restore?model=photo", files=files)
                done.put(str(answer.status_code))

    def leave(address: str) -> None:
        where = urlsplit(address)
        head = f"POST /v1/restore HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 9999\r\n\r\n"
        with socket.create_connection((where.hostname, where.port)) as client:
            client.sendall(head.encode() + picture[:100])

    outcomes: Counter[str] = Counter()
    with process("--model", "photo") as (started, address):
        until_ready(address)
        soak.process, soak.began = started.pid, time.monotonic()
        clients = [threading.Thread(target=ask, args=(address,)) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            for count in itertools.count(1):
                outcomes[done.get(timeout=300)] += 1
                if count % 10 == 0 and not soak.tick(count):
                    break
        finally:
            ended.set()
            while any(client.is_alive() for client in clients):
                while not done.empty():
                    done.get()
                clients[0].join(0.05)
    assert set(outcomes) <= {"200", "422", "415", "400", "left"}, outcomes
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))


def loads(soak: Soak) -> str:
    """Models that are loaded, used and closed."""
    picture, mask = draw(0), mark()
    for count in itertools.count(1):
        with Restorer.load("photo", threads=2) as restorer:
            restorer.restore(picture, mask)
        if not soak.tick(count):
            return "each restored a picture"
    raise AssertionError


KINDS: dict[str, tuple[Callable[[Soak], str], int, str]] = {
    "stream": (stream, 600, "frames"),
    "video": (video, 600, "frames"),
    "server": (server, 150, "requests"),
    "loads": (loads, 45, "loads"),
}
"""What soaks, steps of a short form, and what they are."""


def run(kind: str, minutes: float) -> Row:
    name, _, count = kind.partition("=")
    work, steps, _ = KINDS[name]
    soak = Soak(0, int(count)) if count else Soak(60 * minutes, steps)
    return soak.row(work(soak))


def main(minutes: float, kinds: list[str]) -> bool:
    """Prints a table; each kind has a process of its own."""
    print("| soak | minutes | done | memory, MB | open files | threads | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = []
    for kind in kinds:
        command = [sys.executable, __file__, str(minutes), kind, "--row"]
        timeout = 86_400 if "=" in kind else 300 * minutes + 3600
        row = Row(**json.loads(run_alone(command, timeout=timeout)))
        pairs = (" to ".join(map(str, pair)) for pair in (row.memory, row.files, row.threads))
        verdict = "flat" if row.flat else "GROWS"
        name, _, _ = kind.partition("=")
        print(f"| {name} | {row.minutes:.1f} | {row.done} {KINDS[name][2]} | "
              f"{' | '.join(pairs)} | {verdict}; {row.remark} |", flush=True)  # fmt: skip
        rows.append(row)
    return all(row.flat for row in rows)


if __name__ == "__main__":
    chosen = [kind for kind in sys.argv[2:] if kind != "--row"] or list(KINDS)
    if "--row" in sys.argv:
        print(json.dumps(asdict(run(chosen[0], float(sys.argv[1])))))
    else:
        sys.exit(not main(float(sys.argv[1]), chosen))
