"""The survey's tables, run again by ``inpaint-export survey NAME``.

It is not part of the wheel: nothing outside this folder may need it. Names are known without
PyTorch, which the tables themselves import.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inpaint_export.survey.base import Table, TableOptions

_TABLES = {
    "rice1": "rice:RICE1",
    "rice2": "rice:RICE2",
    "crnn": "crnn:TABLE",
    "staged": "staged:TABLE",
    "codebook": "codebook:TABLE",
    "mixed": "mixed:TABLE",
    "wide": "wide:TABLE",
}

NAMES = tuple(_TABLES)


def load_table(name: str) -> Table:
    """The table of :data:`NAMES`; imports only the one that is asked for."""
    table: Table = resolve_name(f"{__name__}.{_TABLES[name]}")
    return table


def make_table(name: str, options: TableOptions) -> str:
    """Makes a table of :data:`NAMES` and returns it as Markdown.

    Writes ``NAME.md`` and ``NAME.json`` into the folder ``NAME`` below ``options.runs``.

    Raises:
        ExportError: the table needs comparators' weights, and none are given.
        FileNotFoundError, ValueError: data is missing.
    """
    from inpaint_export.survey.base import run_table

    return run_table(name, load_table(name), options)


__all__ = ["NAMES", "load_table", "make_table"]
