"""``inpaint-sdk doctor``: what works on this machine, and how to fix what does not."""

from __future__ import annotations

import click

from inpaint_sdk.doctor import diagnose

MARKS = {"ok": "ok     ", "missing": "-      ", "problem": "PROBLEM"}


@click.command()
def doctor() -> None:
    """Report versions and backends; the exit code is 1 if there is a problem to fix."""
    problems = 0
    for finding in diagnose():
        problems += finding.status == "problem"
        click.echo(f"{MARKS[finding.status]} {finding.subject}: {finding.detail}")
    if problems:
        raise click.ClickException(f"{problems} problem(s) to fix, see above")
