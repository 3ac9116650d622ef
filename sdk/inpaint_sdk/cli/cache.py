"""``inpaint-sdk cache``: engines that were built when models were loaded."""

from __future__ import annotations

from datetime import datetime

import click

from inpaint_sdk.engines.cache import EngineCache


@click.group()
def cache() -> None:
    """List or remove the engines in the cache.

    The cache is in the user's cache folder, or where INPAINT_SDK_CACHE says, and takes at most
    INPAINT_SDK_CACHE_GB gigabytes (4 by default); the least recently used engines go first.
    """


@cache.command("list")
def list_entries() -> None:
    """List the engines, the least recently used first."""
    found = EngineCache()
    try:
        entries = found.entries()
    except OSError as error:
        raise click.ClickException(f"cannot read {found.folder}: {error}") from error
    for entry in entries:
        used = datetime.fromtimestamp(entry.used).astimezone().strftime("%Y-%m-%d %H:%M")
        what = (
            entry.info.describe()
            if entry.info
            else "damaged or of another format; it will be built again"
        )
        click.echo(f"{entry.path.name}  {entry.size / 1e6:.1f} MB, used {used}\n  {what}")
    total = sum(entry.size for entry in entries)
    click.echo(f"{len(entries)} engines, {total / 1e6:.1f} MB in {found.folder}")


@cache.command("clear")
def clear() -> None:
    """Remove every engine, and the files of interrupted builds."""
    found = EngineCache()
    try:
        removed = found.clear()
    except OSError as error:
        raise click.ClickException(f"cannot clear {found.folder}: {error}") from error
    click.echo(f"removed {len(removed)} files from {found.folder}")
