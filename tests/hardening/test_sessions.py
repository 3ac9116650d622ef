"""Eight sessions at once, each with the scan's operator: the images of one alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk import Restorer

SESSIONS, RUNS = 8, 3


def test_eight_sessions_at_once(image: NDArray[np.uint8]) -> None:
    with Restorer.load("cloud-thin", threads=1) as alone:
        expected = alone.restore(image)
    together = Barrier(SESSIONS)

    def work(_: int) -> bool:
        together.wait(60)
        with Restorer.load("cloud-thin", threads=1) as own:
            return all(np.array_equal(own.restore(image), expected) for _ in range(RUNS))

    with ThreadPoolExecutor(SESSIONS) as threads:
        assert list(threads.map(work, range(SESSIONS))) == [True] * SESSIONS
    assert not np.array_equal(expected, image)
