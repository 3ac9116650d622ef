"""What ``inpaint-bench sdk`` writes."""

from __future__ import annotations

from typing import Any, Literal

from inpaint_bench.schema.common import Document, Part


class SdkRow(Part):
    """One row: its figures, which every row has its own of, and the bar that they are held to."""

    bar: str
    figures: dict[str, Any]


class SdkResult(Document):
    """rows: by name."""

    kind: Literal["sdk"]
    rows: dict[str, SdkRow]
