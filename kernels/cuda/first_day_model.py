"""One step of first_day.py, in a process of its own: compares a model with the CPU, and times it.

python kernels/cuda/first_day_model.py BACKEND MODEL PRECISION RESULT.json [LIBRARY.so]
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_sdk import Restorer
from inpaint_sdk.backends.onnxruntime import loader
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.backends.tensorrt import scan_node


class Warnings(logging.Handler):
    """Keeps what the SDK warns of, like a model that cannot run as a CUDA graph."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def take(backend: str, library: Path | None) -> None:
    """Has scans run in a library that was not installed; TensorRT without one in none."""
    plugin = None
    if library and backend == "tensorrt":
        plugin = scan_node.Plugin(library, hashlib.sha256(library.read_bytes()).hexdigest())
    elif library:
        loader.get_library_path = lambda: library  # type: ignore[attr-defined]
    scan_node.find_plugin = lambda name: plugin  # type: ignore[assignment]


def measure_model(backend: str, model: str, precision: Any, library: Path | None) -> dict[str, Any]:
    """Runs a model on a backend: its distance from the CPU's outputs, and how long it takes."""
    warnings = Warnings()
    logging.getLogger("inpaint_sdk").addHandler(warnings)
    take(backend, library)
    rng = np.random.default_rng(0)
    cpu = ModelPool("onnxruntime-cpu", precision="fp32").get(model)
    begin = time.perf_counter()
    pool = ModelPool(backend, precision=precision)
    loaded = pool.get(model)
    seconds = time.perf_counter() - begin
    shape = (1, 3, 256, 384)
    inputs = {"image": rng.random(shape, np.float32)}
    if "mask" in loaded.session.inputs:
        inputs["mask"] = (rng.random((1, 1, *shape[2:])) < 0.1).astype(np.float32)
    expected = cpu.session.run(inputs)
    # A new shape is run plainly first, then as a graph.
    runs = [loaded.session.run(inputs) for _ in range(4)]

    def distance(one: dict[str, Any], other: dict[str, Any]) -> float:
        return max(float(np.abs(one[name] - other[name]).max()) for name in loaded.info.outputs)

    restorer = Restorer(model, pool)
    latencies = {}
    for height, width in ((512, 512), (1080, 1920)):
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        mask = np.zeros((height, width), np.uint8)
        mask[height // 4 : height // 2, width // 4 : width // 2] = 255
        restore = partial(restorer.restore, image, mask)
        latencies[f"{width}x{height}"] = percentiles(restore)
    pool.close()
    return {
        "precision": loaded.info.precision,
        "load_seconds": round(seconds, 2),
        "from_cpu": distance(runs[0], expected),
        "from_first": max(distance(run, runs[0]) for run in runs[1:]),
        "milliseconds": latencies,
        "warnings": warnings.found,
    }


def percentiles(call: Callable[[], object]) -> dict[str, float]:
    """Of calls after some that warm up, for ten seconds and at least ten of them."""
    for _ in range(3):
        call()
    times: list[float] = []
    while len(times) < 10 or (sum(times) < 10 and len(times) < 200):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    times.sort()
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {
        name: round(1e3 * times[int(share * (len(times) - 1))], 3) for name, share in at.items()
    }


def main() -> None:
    backend, model, precision, result, *library = sys.argv[1:]
    data = measure_model(backend, model, precision, Path(library[0]) if library else None)
    Path(result).write_text(json.dumps(data))


if __name__ == "__main__":
    main()
