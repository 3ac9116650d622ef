"""Sessions of ONNX Runtime on the CPU, for checks and comparisons beside the SDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from inpaint_sdk import get_library_path


def open_session(
    model: bytes | Path, *, native: bool = True, threads: int = 0
) -> onnxruntime.InferenceSession:
    """Loads a model file or its content.

    native: whether DirectionalScan nodes run in our kernel, or as the file's own function.
    threads: 0 lets the runtime choose.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait actively after a run would take cores from the session that runs next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if native:
        options.register_custom_ops_library(str(get_library_path()))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def random_run(path: Path, height: int, width: int, threads: int) -> Callable[[], object]:
    """One run of a network on a picture of random numbers in [0, 1], to be timed.

    Of the random mask that an inpainting network gets, a fifth is hole.
    """
    session = open_session(path, threads=threads)
    rng = np.random.default_rng(0)
    feed = {}
    for value in session.get_inputs():
        numbers = rng.random((1, value.shape[1], height, width), np.float32)
        hole = (numbers < 0.2).astype(np.float32)
        feed[value.name] = hole if value.name == "mask" else numbers
    return lambda: session.run(None, feed)
