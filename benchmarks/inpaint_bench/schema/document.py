"""What every result file begins with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from inpaint_bench.schema.base import Part
from inpaint_eval.machine import Machine

FORMAT_VERSION = 2
"""Of result files. It rises when a reader of the last version would misread a file."""


class Document(Part):
    """started, finished: UTC, ISO 8601. remarks: what a reader must know, like a busy machine."""

    format: Literal["inpaint-bench"]
    format_version: Annotated[int, Field(ge=1, le=FORMAT_VERSION)]
    started: str
    finished: str
    machine: Machine
    remarks: str = ""
