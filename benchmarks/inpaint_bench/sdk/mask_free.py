"""A large picture in tiles."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.machine_state import memory_rise_mb
from inpaint_bench.schema.sdk import SdkRow
from inpaint_eval.drawn import draw_picture
from inpaint_sdk import Restorer


def mask_free(model: str) -> SdkRow:
    """4000x3000 in tiles: memory, the step across their borders, and beside one untiled run."""
    from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB
    from inpaint_sdk.tasks.restoration import Cleaner

    restorer = Restorer.load(model, threads=2)
    picture = draw_picture(3000, 4000)
    haze = np.linspace(0.0, 0.5, 4000, dtype=np.float32)[None, :, None]
    picture = np.rint(picture * (1 - haze) + 235 * haze).astype(np.uint8)
    results: list[NDArray[np.uint8]] = []
    seconds = time.perf_counter()
    peak = memory_rise_mb(lambda: results.append(restorer.restore(picture)))
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
    figures = {
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
    }
    bar = "peak_mb < 1000, step at borders <= inside, from_untiled max <= 1"
    return SdkRow(bar=bar, figures=figures)
