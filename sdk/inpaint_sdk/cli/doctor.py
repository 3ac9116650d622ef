"""``inpaint-sdk doctor``: what works here, and what to do about what does not."""

from __future__ import annotations

import click

from inpaint_sdk.doctor import diagnose

MARKS = {"ok": "ok     ", "missing": "-      ", "problem": "PROBLEM"}


@click.command()
def doctor() -> None:
    """Report versions and backends; the exit code is 1 if something must be mended."""
    problems = 0
    for finding in diagnose():
        problems += finding.status == "problem"
        click.echo(f"{MARKS[finding.status]} {finding.subject}: {finding.detail}")
    if problems:
        raise click.ClickException(f"{problems} to be mended, see above")
