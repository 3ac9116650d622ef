"""``inpaint-bench``: the group, and the commands that read result files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from inpaint_bench.cli import measure
from inpaint_bench.cli.measure import FILE, FOLDER
from inpaint_bench.compare import TOLERANCE, compare
from inpaint_bench.errors import BenchError
from inpaint_bench.schema import json_schema, read_result, write_text
from inpaint_eval.render import to_text
from inpaint_sdk import InpaintError


@click.command("compare")
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=TOLERANCE,
    help="A change of time below this share is none, however sure it is.",
)
def compare_command(a: Path, b: Path, tolerance: float) -> None:
    """Compare result B with result A.

    Exit code 0 where nothing got worse beyond its interval, 1 where something did, 2 where the
    files cannot be compared.
    """
    comparison = compare(read_result(a), read_result(b), tolerance)
    click.echo(to_text(comparison.tables()))
    sys.exit(1 if comparison.worse else 0)


@click.command("report")
@click.argument("results", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, help="The page, .html.")
@click.option("--gallery", type=FOLDER, help="Pictures of quality --gallery, to put into it.")
def report_command(results: tuple[Path, ...], output: Path, gallery: Path | None) -> None:
    """Draw RESULTS, of one machine or of several, as one HTML page that needs nothing else.

    Quality is drawn against time where results of run and of quality are of the same pictures.
    """
    from inpaint_bench.page import make_page

    page = make_page({path.name: read_result(path) for path in results}, gallery)
    write_text(page, output)
    click.echo(f"{output}: {len(page) / 1e6:.2f} MB")


@click.command("tables")
@click.argument("files", type=FILE, nargs=-1, required=True)
def tables_command(files: tuple[Path, ...]) -> None:
    """Make the tables in Markdown FILES anew, from the result files that they name.

    Results must be complete, and of a clean revision in the repository's history.
    """
    from inpaint_bench.tables import fill_tables

    for path in files:
        text = path.read_text(encoding="utf-8")
        filled = fill_tables(text, path.parent)
        if filled != text:
            path.write_text(filled, encoding="utf-8")
            click.echo(f"{path}: tables made anew")


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of result files."""
    click.echo(json.dumps(json_schema(), indent=1))


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order below, not by name

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BenchError, InpaintError, OSError, ValueError) as error:
            # Exit code 2, as for wrong options: 1 is a comparison's, where something got worse.
            raise click.UsageError(str(error)) from error
        except KeyboardInterrupt:
            click.echo(
                "\nstopped; what was finished is in the output. The same command goes on with it",
                err=True,
            )
            sys.exit(130)


COMMANDS = [
    measure.run_command,
    measure.quality_command,
    measure.kernels_command,
    measure.roofline_command,
    measure.sdk_command,
    compare_command,
    report_command,
    tables_command,
    schema_command,
]
SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


@click.group(cls=_Group, context_settings=SETTINGS, commands=COMMANDS)
def main() -> None:
    """Measure restoration: speed, quality, kernels, and what a device allows at best."""
