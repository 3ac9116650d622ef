"""A camera that never waits."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_bench.machine_state import resident_bytes
from inpaint_bench.schema.sdk import SdkRow
from inpaint_eval.drawn import draw_picture
from inpaint_sdk import Restorer


def stream(count: int = 200_000) -> SdkRow:
    """A synthetic camera of 160x120 as fast as it goes: memory, and what became of the frames."""
    rng = np.random.default_rng(0)
    noisy = [
        cv2.add(draw_picture(120, 160), rng.integers(0, 5, (120, 160, 3), np.uint8))
        for _ in range(16)
    ]

    def camera() -> Iterator[NDArray[np.uint8]]:
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
                memory.append(resident_bytes() / 1e6)
    counts = vars(frames.counts)
    figures = {
        "frames": given,
        "seconds": time.perf_counter() - started,
        "counts": counts,
        "uncounted": counts["captured"]
        - sum(counts[name] for name in ("restored", "passed", "dropped", "waiting")),
        "memory_mb": memory,
        "growth_mb": memory[-1] - memory[0],
    }
    return SdkRow(bar="growth_mb about 0, uncounted = 0", figures=figures)
