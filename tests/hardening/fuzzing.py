"""What the fuzzers share: damage to bytes, and a loop that bounds what each input may take."""

from __future__ import annotations

import faulthandler
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

SECONDS = 10.0
"""Of computing that an input may take."""

PATIENCE = 300.0
"""Seconds after which it hangs, on a machine that others use too."""

MEMORY = 3 << 30
"""Bytes that a fuzzer's process may ask for; the largest picture takes 1.4 GB."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A file with bytes changed, mostly at its beginning; cut short; or with a piece twice."""
    broken = np.frombuffer(data, np.uint8).copy()
    ends = (min(len(broken), 200), len(broken))
    for _ in range(rng.integers(1, 9)):
        at = int(rng.integers(0, ends[int(rng.random() < 0.3)]))
        odd = (0, 1, 2, 4, 127, 128, 254, 255, int(rng.integers(256)))
        width = int(rng.choice([1, 1, 2, 4]))
        broken[at : at + width] = odd[int(rng.integers(len(odd)))]
    result = broken.tobytes()
    if rng.random() < 0.15:
        result = result[: int(rng.integers(1, len(result) + 1))]
    if rng.random() < 0.15:
        start, stop = sorted(rng.integers(0, len(result) + 1, 2).tolist())
        result = result[:stop] + result[start:]
    return result


def attempts(
    count: int, seed: int, attempt: Callable[[int, np.random.Generator], str]
) -> Counter[str]:
    """Calls ``attempt`` with so many indices and generators; counts what it says became of them.

    Ends with what an attempt raises, or when one takes long; says which it was.
    """
    became: Counter[str] = Counter()
    for index in range(count):
        faulthandler.dump_traceback_later(PATIENCE, exit=True)  # where it hangs
        begun = time.process_time()
        try:
            became[attempt(index, np.random.default_rng((seed, index)))] += 1
            seconds = time.process_time() - begun
            assert seconds < SECONDS, f"it takes {seconds:.1f} s"
        except BaseException:
            print(f"input {index} of seed {seed}", file=sys.stderr, flush=True)
            raise
    faulthandler.cancel_dump_traceback_later()
    return became


def main(fuzz: Callable[[int, int, Path], object]) -> None:
    """Runs a fuzzer as a program: COUNT SEED FOLDER, where it may write."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    count, seed, folder = sys.argv[1:]
    print(fuzz(int(count), int(seed), Path(folder).absolute()))
