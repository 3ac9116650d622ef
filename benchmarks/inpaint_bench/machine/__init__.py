"""What the figures were measured on.

Every reader takes the root folder, so that trees of files from other machines can be read too.
"""

from __future__ import annotations

from typing import Any

from inpaint_bench.machine.describe import read_machine
from inpaint_bench.machine.state import StateReader


def describe_machine() -> dict[str, Any]:
    """The machine as JSON values, for documents of other programs."""
    return read_machine().model_dump(mode="json")


__all__ = ["StateReader", "describe_machine", "read_machine"]
