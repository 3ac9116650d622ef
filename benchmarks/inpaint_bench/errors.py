"""What the harness raises."""

from __future__ import annotations


class BenchError(Exception):
    """Something that the user can fix; the message says what it is and what to do."""


class CannotRunError(Exception):
    """A candidate cannot do what is asked of it here; the message is the row's reason."""
