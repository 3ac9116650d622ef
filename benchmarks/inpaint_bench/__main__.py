"""``python -m inpaint_bench``."""

from inpaint_bench.cli import main

main()
