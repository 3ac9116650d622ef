"""Small files of /proc and /sys, which may not be there or not be readable."""

from __future__ import annotations

from pathlib import Path


def read_text(path: Path) -> str | None:
    """A file's text without white space and NUL bytes around it; None where it cannot be read."""
    try:
        return path.read_bytes().decode(errors="replace").strip("\0 \t\r\n")
    except OSError:
        return None


def read_number(path: Path) -> float | None:
    """A file's number; None where there is none."""
    text = read_text(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
