"""``inpaint-bench report``."""

from __future__ import annotations

from pathlib import Path

import click

from inpaint_bench.cli.options import FILE, FOLDER
from inpaint_bench.schema.files import read_result


@click.command("report")
@click.argument("results", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, help="The page, .html.")
@click.option("--gallery", type=FOLDER, help="Pictures of quality --gallery, to put into it.")
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True)
def report_command(
    results: tuple[Path, ...], output: Path, gallery: Path | None, fps: float
) -> None:
    """Draw RESULTS, of one machine or of several, as one HTML page that needs nothing else.

    Quality is drawn against time where results of run and of quality are of the same pictures.
    """
    from inpaint_bench.report import make_page

    page = make_page([(path.name, read_result(path)) for path in results], fps, gallery)
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.tmp")
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(output)
    click.echo(f"{output}: {len(page) / 1e6:.2f} MB")
