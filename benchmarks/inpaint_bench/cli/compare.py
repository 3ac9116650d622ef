"""``inpaint-bench compare``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from inpaint_bench.cli.options import FILE
from inpaint_bench.compare import compare
from inpaint_bench.compare.compare import TOLERANCE
from inpaint_bench.schema.files import read_result
from inpaint_bench.text.compare import describe_comparison


@click.command("compare")
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@click.option("--absolute", is_flag=True, help="Times as they are, not over a peer's.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=TOLERANCE,
    show_default=True,
    help="A change of time below this share is none, however sure it is.",
)
def compare_command(a: Path, b: Path, absolute: bool, tolerance: float) -> None:
    """Compare result B with result A.

    Exit code 0 where nothing got worse beyond its interval, 1 where something did, 2 where the
    files cannot be compared.
    """
    comparison = compare(read_result(a), read_result(b), absolute=absolute, tolerance=tolerance)
    click.echo(describe_comparison(comparison))
    sys.exit(1 if comparison.worse else 0)
