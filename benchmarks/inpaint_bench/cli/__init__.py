"""``inpaint-bench``: the group, and what its commands have in common."""

from __future__ import annotations

import sys
from typing import Any

import click

from inpaint_bench.cli import measure, results
from inpaint_bench.errors import BenchError
from inpaint_sdk import InpaintError


class _Failure(click.ClickException):
    """Exit code 2, as for wrong options: 1 is a comparison's, where something got worse."""

    exit_code = 2


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order below, not by name

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BenchError, InpaintError, FileNotFoundError, ValueError) as error:
            raise _Failure(str(error)) from error
        except KeyboardInterrupt:
            click.echo(
                "\nstopped; what was finished is in the output. The same command goes on with it",
                err=True,
            )
            sys.exit(130)


SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


@click.group(cls=_Group, context_settings=SETTINGS)
def main() -> None:
    """Measure restoration: speed, quality, kernels, and what a device allows at best."""


for command in (
    measure.run_command,
    measure.quality_command,
    measure.kernels_command,
    measure.roofline_command,
    measure.sdk_command,
    results.compare_command,
    results.report_command,
    results.tables_command,
    results.schema_command,
):
    main.add_command(command)
