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
    "table1": "codebook:TABLE",
    "table2": "rice:RICE1",
    "table3": "rice:RICE2",
    "table4": "staged:TABLE",
    "table5": "crnn:TABLE",
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

    Writes ``NAME.md``, ``NAME.json`` and, of the survey's tables, pictures of three cases,
    ``NAME.jpg``, into the folder ``NAME`` below ``options.runs``. What was trained or measured
    there before is not done again.

    Raises:
        ExportError: the table needs comparators' weights, and none are given.
        FileNotFoundError, ValueError: data is missing.
    """
    from inpaint_export.survey.base import run_table

    return run_table(name, load_table(name), options)


__all__ = ["NAMES", "load_table", "make_table"]
