"""``inpaint-sdk``: the commands and how errors reach a person."""

from __future__ import annotations

import errno
import logging
from typing import Any

import click

from inpaint_sdk.cli.cache import cache
from inpaint_sdk.cli.compile import compile_model
from inpaint_sdk.cli.detect import detect
from inpaint_sdk.cli.doctor import doctor
from inpaint_sdk.cli.gstreamer import gstreamer
from inpaint_sdk.cli.models import models
from inpaint_sdk.cli.read import read
from inpaint_sdk.cli.restore import restore
from inpaint_sdk.cli.serve import serve
from inpaint_sdk.cli.termination import exit_on_signals
from inpaint_sdk.cli.video import video
from inpaint_sdk.errors import InpaintError
from inpaint_sdk.version import __version__


class _Commands(click.Group):
    """Shows an ``InpaintError`` or ``OSError`` of any command as one line, with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with exit_on_signals():
                return super().invoke(ctx)
        except InpaintError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:  # as of a name that is too long for any file
            if error.errno == errno.EPIPE:
                raise  # which click ends quietly
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Tell what is chosen, compiled and retried.")
@click.version_option(__version__, prog_name="inpaint-sdk")
def main(verbose: bool) -> None:
    """Restore damaged pictures."""
    if verbose:
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("inpaint_sdk").setLevel(logging.INFO)


for command in (
    restore,
    detect,
    read,
    video,
    serve,
    gstreamer,
    models,
    compile_model,
    cache,
    doctor,
):
    main.add_command(command)
