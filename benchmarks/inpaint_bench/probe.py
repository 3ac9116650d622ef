"""A candidate alone in a fresh process: what loading takes, the first call, and memory.

A candidate that crashes, hangs or runs out of memory does so here, and becomes a row with a reason.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from inpaint_bench.executors import Frame, Order, open_executor
from inpaint_bench.isolated import run_isolated
from inpaint_bench.schema.run import Loading
from inpaint_eval.machine.memory import memory_rise_mb
from inpaint_eval.machine.nvml import process_mb
from inpaint_eval.timing import time_calls

MORE_CALLS = 2
"""After the first, whose memory counts too."""


def probe(order: Order, frame: Frame, timeout: float) -> Loading:
    """Runs a candidate in a process of its own.

    Raises:
        CannotRunError: it cannot run, failed, crashed, or did not come back in ``timeout`` seconds.
    """
    return run_isolated(load_alone, order, frame, timeout=timeout)


def load_alone(order: Order, frame: Frame) -> Loading:
    """Loads a candidate in this process, and calls it a few times."""
    executor = open_executor(order)
    milliseconds: list[float] = []
    results: list[Any] = []

    def work() -> None:
        milliseconds.extend(time_calls(executor.load, 1))
        fed = executor.feed(frame)
        milliseconds.extend(time_calls(lambda: results.append(executor.infer(fed)), 1))
        for _ in range(MORE_CALLS):
            executor.infer(fed)

    rise = memory_rise_mb(work)
    found = hashlib.sha256()
    for picture in executor.pictures(results[0]):
        found.update(picture.tobytes())
    return Loading(
        load_ms=round(milliseconds[0], 3),
        first_call_ms=round(milliseconds[1], 3),
        host_peak_mb=None if rise is None else round(rise, 3),
        device_peak_mb=process_mb(os.getpid()) if executor.gpu else None,
        output_sha256=found.hexdigest(),
        notes=executor.notes,
    )
