"""``python -m inpaint_sdk`` is the command ``inpaint-sdk``."""

from inpaint_sdk.cli.main import main

main(prog_name="inpaint-sdk")
