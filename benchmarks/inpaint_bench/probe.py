"""A candidate alone in a fresh process: what loading takes, the first call, and memory.

A candidate that crashes, hangs or runs out of memory does so here, and becomes a row with a reason.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass

from inpaint_bench.executors import Frame, Order, open_executor
from inpaint_bench.isolated import run_isolated
from inpaint_bench.machine_state import memory_rise_mb
from inpaint_eval.machine.nvml import process_mb

MORE_CALLS = 2
"""After the first, whose memory counts too."""


@dataclass(frozen=True)
class Probed:
    """See :class:`inpaint_bench.schema.run.Row`."""

    load_ms: float
    first_call_ms: float
    host_peak_mb: float | None
    device_peak_mb: float | None
    output_sha256: str
    notes: list[str]


def probe(order: Order, frame: Frame, timeout: float) -> Probed:
    """Runs a candidate in a process of its own.

    Raises:
        CannotRunError: it cannot run, failed, crashed, or did not come back in ``timeout`` seconds.
    """
    return run_isolated(measure_alone, order, frame, timeout=timeout)


def measure_alone(order: Order, frame: Frame) -> Probed:
    """Loads a candidate in this process, and calls it a few times."""
    executor = open_executor(order)
    seconds: list[float] = []
    results: list[object] = []

    def work() -> None:
        started = time.perf_counter()
        executor.load()
        seconds.append(time.perf_counter() - started)
        fed = executor.feed(frame)
        started = time.perf_counter()
        results.append(executor.infer(fed))
        seconds.append(time.perf_counter() - started)
        for _ in range(MORE_CALLS):
            executor.infer(fed)

    rise = memory_rise_mb(work)
    found = hashlib.sha256()
    for picture in executor.pictures(results[0]):
        found.update(picture.tobytes())
    return Probed(
        load_ms=round(1e3 * seconds[0], 3),
        first_call_ms=round(1e3 * seconds[1], 3),
        host_peak_mb=None if rise is None else round(rise, 3),
        device_peak_mb=process_mb(os.getpid()) if executor.gpu else None,
        output_sha256=found.hexdigest(),
        notes=executor.notes,
    )
