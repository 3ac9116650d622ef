"""``inpaint-bench``: one module a command."""

from inpaint_bench.cli.main import main

__all__ = ["main"]
