"""Energy of a picture: the machine's meter while one candidate runs, and while nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from inpaint_bench.machine.energy import Meter, NoMeterError, find_meter
from inpaint_bench.schema.run import Energy


class Gauge:
    """A meter, and what it shows when nothing runs."""

    def __init__(self, *, gpu: bool, seconds: float, root: Path = Path("/")) -> None:
        self._seconds = seconds
        self._meter: Meter | None = None
        self._idle = 0.0
        self._reason = "not asked for (--energy-seconds 0)"
        if seconds == 0:
            return
        try:
            self._meter = find_meter(root, gpu=gpu)
        except NoMeterError as error:
            self._reason = str(error)
            return
        started = time.perf_counter()
        self._meter.start()
        time.sleep(seconds)
        self._idle = self._meter.stop() / (time.perf_counter() - started)

    def measure(self, call: Callable[[], object], batch: int) -> tuple[Energy | None, str | None]:
        """Runs calls for some seconds; the energy, or why there is none."""
        if self._meter is None:
            return None, self._reason
        call()
        calls = 0
        started = time.perf_counter()
        self._meter.start()
        while time.perf_counter() - started < self._seconds:
            call()
            calls += 1
        joules = self._meter.stop()
        seconds = time.perf_counter() - started
        energy = Energy(
            meter=self._meter.name,
            joules_per_picture=joules / (calls * batch),
            watts=joules / seconds,
            idle_watts=self._idle,
            pictures=calls * batch,
            seconds=round(seconds, 3),
        )
        return energy, None
