"""The survey's tables, run again. One file a table, with ``NAME`` and ``make``."""

from __future__ import annotations

NAMES = ("rice1", "rice2")

__all__ = ["NAMES"]
