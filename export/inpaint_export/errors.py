"""Exceptions of this package."""

from inpaint_sdk import InpaintError


class ExportError(InpaintError):
    """A model cannot be exported, or what was exported is not what was trained."""
