"""The exceptions that inpaint_sdk raises: catch :class:`InpaintError` for all of them.

Examples:
    >>> from inpaint_sdk import InpaintError, Restorer
    >>> try:
    ...     Restorer.load("phot")
    ... except InpaintError as error:
    ...     print(type(error).__name__)
    ModelError
"""

from __future__ import annotations


class InpaintError(Exception):
    """Something that was asked for cannot be done; the message says why and what to do."""


class OptionError(InpaintError, ValueError):
    """An option has a value that it cannot take; the message says which it can."""


class ImageError(InpaintError):
    """An image cannot be used: its type, shape, dtype or file."""


class MaskError(InpaintError):
    """A mask cannot be used: its type, shape, dtype or file, or it leaves nothing to work from."""


class ModelError(InpaintError):
    """A model cannot be used: unknown, not ours, damaged, too new, or it gave no finite picture."""


class BackendError(InpaintError):
    """A backend cannot be used: unknown, or not installed."""


class SourceError(InpaintError):
    """A camera or stream cannot be opened, or was lost."""


class OutputError(InpaintError):
    """A result cannot be written where it was asked for."""


class FileWarning(UserWarning):
    """A file could not be read in full, or a result cannot be like its source in all respects."""


def error_line(error: Exception) -> str:
    """An error in one line; of one that is no ``InpaintError``, its type too."""
    return str(error) if isinstance(error, InpaintError) else f"{type(error).__name__}: {error}"
