"""Two result files beside each other."""

from inpaint_bench.compare.compare import compare
from inpaint_bench.compare.finding import Comparison, Finding, Verdict

__all__ = ["Comparison", "Finding", "Verdict", "compare"]
