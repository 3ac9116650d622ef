"""Results as one page that needs nothing else."""

from inpaint_bench.report.page import make_page

__all__ = ["make_page"]
