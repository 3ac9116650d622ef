"""Tables in Markdown files, generated from result files."""

from inpaint_bench.tables.markers import fill_tables

__all__ = ["fill_tables"]
