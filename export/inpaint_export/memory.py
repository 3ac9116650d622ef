"""Working memory of a network, measured: what a network class states as its ``memory``.

``python -m inpaint_export.memory MODEL.onnx`` prints bytes per pixel for inputs of several sizes.
State a little more than the largest as ``bytes_per_pixel``; where they grow with the size, as under
attention between all parts of a picture, state the growth as ``bytes_per_pixel_squared``.
"""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

from inpaint_eval.machine.memory import memory_rise_mb

SIDES = (512, 1024, 2048)
"""Of the square inputs that are measured by default, in pixels."""

RUNS = 3


def measure(model: Path, side: int) -> float:
    """Bytes per pixel that runs on a square input of ``side`` pixels take in the SDK, on a CPU.

    Measured in a process of its own, by the peak of its resident memory (Linux only).
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (model, side))


def _measure(model: Path, side: int) -> float:
    import numpy as np

    from inpaint_sdk.backends import BackendOptions, open_session
    from inpaint_sdk.models.file import read_model_file

    file = read_model_file(model)
    session = open_session(file, BackendOptions("onnxruntime-cpu", threads=2))
    channels = {"image": 3, "mask": 1}

    def run(size: int) -> None:
        session.run({n: np.zeros((1, channels[n], size, size), np.float32) for n in session.inputs})

    def runs() -> None:
        for _ in range(RUNS):
            run(side)

    run(file.info.size_multiple)  # what is allocated once
    rise = memory_rise_mb(runs)
    if rise is None:
        raise RuntimeError("this system does not tell how much memory a process took: Linux does")
    return 1e6 * rise / side**2


if __name__ == "__main__":
    for pixels in SIDES:
        print(f"{pixels}x{pixels}: {measure(Path(sys.argv[1]), pixels):.0f} bytes per pixel")
