"""``inpaint-bench schema``."""

from __future__ import annotations

import json

import click

from inpaint_bench.schema.files import json_schema


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of result files."""
    click.echo(json.dumps(json_schema(), indent=1))
