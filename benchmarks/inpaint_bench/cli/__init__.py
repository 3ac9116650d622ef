"""``inpaint-bench``: the group, and what its commands have in common."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from inpaint_bench.errors import BenchError

COMMANDS = {
    "run": "measure",
    "quality": "measure",
    "kernels": "measure",
    "roofline": "measure",
    "sdk": "measure",
    "compare": "results",
    "report": "results",
    "tables": "results",
    "schema": "results",
}
"""Commands, and the modules that they are in."""


class _Failure(click.ClickException):
    """Exit code 2, as for wrong options: 1 is a comparison's, where something got worse."""

    exit_code = 2


class _Group(click.Group):
    """Imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"inpaint_bench.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        from inpaint_sdk import InpaintError

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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure restoration: speed, quality, kernels, and what a device allows at best."""
