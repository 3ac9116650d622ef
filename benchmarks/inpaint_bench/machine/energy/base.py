"""What a meter is."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from typing import Protocol

import numpy as np


class NoMeterError(Exception):
    """There is nothing here that measures energy; the message says what was looked for."""


class Meter(Protocol):
    """Counts the energy between ``start`` and ``stop``."""

    name: str
    """What it measures, like ``RAPL package-0``."""

    def start(self) -> None: ...

    def stop(self) -> float:
        """Joules since ``start``."""


class CounterMeter(Meter):
    """A meter whose device counts energy by itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._first = 0.0

    @abstractmethod
    def joules(self) -> float:
        """The counter now."""

    def start(self) -> None:
        self._first = self.joules()

    def stop(self) -> float:
        return self.joules() - self._first


class PowerMeter(Meter):
    """A meter whose device tells power, which a thread reads and adds up by trapezoids.

    It takes processor time, so it does not run while calls are timed.
    """

    PERIOD = 0.02
    """Seconds between readings; an INA3221 on a Jetson averages over a few milliseconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._times: list[float] = []
        self._watts: list[float] = []

    @abstractmethod
    def watts(self) -> float:
        """Power now."""

    def start(self) -> None:
        self._times, self._watts = [], []
        self._end.clear()
        self._read()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        assert self._thread is not None
        self._end.set()
        self._thread.join()
        self._read()
        steps = np.diff(self._times)
        watts = np.asarray(self._watts)
        return float((steps * (watts[1:] + watts[:-1]) / 2).sum())

    def _follow(self) -> None:
        while not self._end.wait(self.PERIOD):
            self._read()

    def _read(self) -> None:
        watts = self.watts()
        self._times.append(time.perf_counter())
        self._watts.append(watts)
