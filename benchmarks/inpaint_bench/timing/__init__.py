"""Timing things side by side, so that a machine that drifts is fair to all of them."""

from inpaint_bench.timing.blocks import (
    Turns,
    interleaved,
    spread_turns,
    take_turns,
    time_calls,
)
from inpaint_bench.timing.overhead import measure_overhead
from inpaint_bench.timing.statistics import Timing, ratio_of_turns, summarise
from inpaint_bench.timing.warmup import warm_up

__all__ = [
    "Timing",
    "Turns",
    "interleaved",
    "measure_overhead",
    "ratio_of_turns",
    "spread_turns",
    "summarise",
    "take_turns",
    "time_calls",
    "warm_up",
]
