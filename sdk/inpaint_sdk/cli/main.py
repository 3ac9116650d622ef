"""``inpaint-sdk``: the commands and how errors reach a person."""

from __future__ import annotations

import click

from inpaint_sdk.cli.cache import cache
from inpaint_sdk.cli.compile import compile_model
from inpaint_sdk.cli.detect import detect
from inpaint_sdk.cli.doctor import doctor
from inpaint_sdk.cli.gstreamer import gstreamer
from inpaint_sdk.cli.models import models
from inpaint_sdk.cli.restore import restore
from inpaint_sdk.cli.video import video
from inpaint_sdk.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="inpaint-sdk")
def main() -> None:
    """Restore damaged pictures."""


main.add_command(restore)
main.add_command(detect)
main.add_command(video)
main.add_command(gstreamer)
main.add_command(models)
main.add_command(compile_model)
main.add_command(cache)
main.add_command(doctor)
