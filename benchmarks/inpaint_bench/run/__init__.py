"""The speed benchmark: candidates side by side, case by case."""

from inpaint_bench.run.benchmark import run

__all__ = ["run"]
