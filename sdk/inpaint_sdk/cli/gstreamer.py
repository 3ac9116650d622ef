"""``inpaint-sdk gstreamer``: how GStreamer finds the element."""

from __future__ import annotations

import shlex

import click

from inpaint_sdk.gstreamer import plugin_settings


@click.command()
def gstreamer() -> None:
    """Print the settings with which GStreamer finds the element inpaintrestore.

    In a shell: eval "$(inpaint-sdk gstreamer)", and then gst-inspect-1.0 inpaintrestore
    """
    settings = plugin_settings()
    for name, value in settings.items():
        click.echo(f"export {name}={shlex.quote(value)}${{{name}:+:${name}}}")
