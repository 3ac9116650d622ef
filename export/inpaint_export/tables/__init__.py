"""The survey's tables, run again: by ``inpaint-export table NAME``."""

from __future__ import annotations

NAMES = ("rice1", "rice2")

__all__ = ["NAMES"]
