"""``inpaint-bench tables``."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from inpaint_bench.cli.options import FILE
from inpaint_bench.errors import BenchError


@click.command("tables")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 where something differs.")
def tables_command(files: tuple[Path, ...], check: bool) -> None:
    """Make the tables in Markdown FILES anew, from the result files that they name."""
    from inpaint_bench.tables import fill_tables

    differs = False
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BenchError(f"cannot read {path}: {error.strerror}") from error
        filled = fill_tables(text, path.parent)
        if filled == text:
            continue
        differs = True
        if check:
            lines = difflib.unified_diff(text.splitlines(), filled.splitlines(), str(path), "anew")
            click.echo("\n".join(lines))
        else:
            path.write_text(filled, encoding="utf-8")
            click.echo(f"{path}: tables made anew")
    if check and differs:
        click.echo("the tables are not those of the result files; run: make tables", err=True)
        sys.exit(1)
