"""The survey's tables, run again: by ``inpaint-export table NAME``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inpaint_export.survey.base import TableOptions

_MODULES = {
    "rice1": "rice",
    "rice2": "rice",
    "crnn": "crnn",
    "staged": "staged",
    "codebook": "codebook",
    "mixed": "mixed",
    "wide": "wide",
}

NAMES = tuple(_MODULES)


def make_table(name: str, options: TableOptions) -> str:
    """Makes a table of :data:`NAMES`, and returns it as markdown.

    Writes ``NAME.md`` and ``NAME.json`` into the folder ``NAME`` below ``options.runs``.
    """
    module = import_module(f"{__name__}.{_MODULES[name]}")
    text: str = module.make_table(name, options)
    return text


__all__ = ["NAMES", "make_table"]
