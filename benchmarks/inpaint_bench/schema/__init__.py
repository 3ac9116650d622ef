"""The format of result files: typed here, documented in ``benchmarks/FORMAT.md``."""
