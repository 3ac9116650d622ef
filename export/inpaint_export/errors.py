"""Exceptions of this package."""


class ExportError(Exception):
    """A model cannot be exported, or what was exported is not what was trained."""
