"""What the loop itself adds to a call."""

from __future__ import annotations

import numpy as np

from inpaint_bench.schema.run import Overhead
from inpaint_bench.timing.blocks import Turns, take_turns

CALLS = 2000


def measure_overhead() -> Overhead:
    """Times a call that does nothing, in the same loop as everything else."""
    turns = {"nothing": Turns()}
    for block in range(3):
        take_turns({"nothing": _nothing}, {"nothing": CALLS}, block, turns)
    microseconds = 1e3 * np.asarray(turns["nothing"].turns).ravel()
    p50, p99 = (float(v) for v in np.percentile(microseconds, (50, 99)))
    return Overhead(
        p50_microseconds=round(p50, 3),
        p99_microseconds=round(p99, 3),
        share_of_5_ms=round(p50 / 5e3, 6),
    )


def _nothing() -> None:
    pass
