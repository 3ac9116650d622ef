"""A candidate alone in a fresh process: what loading takes, the first call, and memory.

A candidate that crashes, hangs or runs out of memory does so here, and becomes a row with a reason.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Frame, Order, open_executor
from inpaint_bench.machine_state import memory_rise_mb

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
    with tempfile.TemporaryDirectory() as folder:
        job, answer = Path(folder) / "job", Path(folder) / "answer.json"
        job.write_bytes(pickle.dumps((order, frame)))
        command = [sys.executable, "-m", "inpaint_bench.probe", str(job), str(answer)]
        try:
            # A file for what it says: a pipe that fills up would stop it.
            with (Path(folder) / "log").open("w+b") as log:
                run = subprocess.run(command, stdout=log, stderr=log, timeout=timeout, check=False)
                log.seek(0)
                said = log.read().decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            raise CannotRunError(
                f"loading and the first calls took longer than {timeout:g} s (--timeout)"
            ) from None
        if not answer.exists():
            raise CannotRunError(_death(run.returncode, said))
        found = json.loads(answer.read_text(encoding="utf-8"))
    if "cannot" in found:
        raise CannotRunError(found["cannot"])
    return Probed(**found)


def _death(code: int, said: str) -> str:
    last = said.splitlines()[-1] if said else "it said nothing"
    if code == -9:
        return f"its process was killed, as happens when memory runs out; last words: {last}"
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"its process ended with {how}; last words: {last}"


def _main(job: Path, answer: Path) -> None:
    order, frame = pickle.loads(job.read_bytes())
    try:
        found = vars(_measure(order, frame))
    except CannotRunError as error:
        found = {"cannot": str(error)}
    answer.write_text(json.dumps(found), encoding="utf-8")


def _measure(order: Order, frame: Frame) -> Probed:
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
        device_peak_mb=executor.device_mb(),
        output_sha256=found.hexdigest(),
        notes=executor.notes,
    )


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
