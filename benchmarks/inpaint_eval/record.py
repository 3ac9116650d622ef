"""Records: plain dataclasses that result files hold as they are."""

from __future__ import annotations

import time
from typing import Any, ClassVar


class Record:
    """Base of dataclasses that are parts of result files.

    pydantic, which checks those files, reads the configuration: unknown fields, infinities and NaN
    are refused. It is not imported here.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}


def now() -> str:
    """The time that a result file states: UTC, ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
