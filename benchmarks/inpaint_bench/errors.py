"""What the harness raises."""

from __future__ import annotations


class BenchError(Exception):
    """Something that the user can mend; the message says what it is and what to do."""
