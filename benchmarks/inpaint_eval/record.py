"""Records: plain dataclasses that result files hold as they are."""

from __future__ import annotations

from typing import Any, ClassVar


class Record:
    """Base of dataclasses that are parts of result files.

    pydantic, which checks those files, reads the configuration: unknown fields, infinities and NaN
    are refused. It is not imported here.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}
