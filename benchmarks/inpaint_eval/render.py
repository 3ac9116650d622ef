"""One table, and its forms: text for a terminal, and Markdown; ``page.html`` has its HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

Entry = TypeVar("Entry")
Columns: TypeAlias = Mapping[str, Callable[[Entry], str]]
"""By a column's heading: what it says of an entry."""


@dataclass(frozen=True)
class Table:
    """title: empty for none. columns: their headings; all but the first ``left`` are of numbers.

    rows: a cell for each column. notes: lines below the rows. Without columns there are only notes.
    """

    title: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    left: int = 1


def table_of(
    title: str,
    entries: Iterable[Entry],
    columns: Columns[Entry],
    notes: Sequence[str] = (),
    left: int = 1,
) -> Table:
    """A table with a row for each entry."""
    rows = [[cell(entry) for cell in columns.values()] for entry in entries]
    return Table(title, tuple(columns), rows, notes, left)


def to_text(tables: Iterable[Table]) -> str:
    """For a terminal: columns of one width."""
    return "\n\n".join("\n".join(_text_lines(table)) for table in tables)


def to_markdown(table: Table) -> str:
    """For a README."""
    parts = [f"**{table.title}**"] if table.title else []
    if table.columns:
        marks = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
        lines = [table.columns, marks, *table.rows]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    if table.notes:
        parts.append("\n".join(table.notes))
    return "\n\n".join(parts)


def number(value: float | None, digits: int = 1) -> str:
    """A number, or a dash for what was not measured."""
    return "-" if value is None else f"{value:.{digits}f}"


def dimensions(sizes: Sequence[int]) -> str:
    """Sizes like ``480x640``."""
    return "x".join(map(str, sizes))


def _text_lines(table: Table) -> Iterable[str]:
    if table.title:
        yield table.title
    if table.columns:
        lines = [table.columns, *table.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
        rule = ["-" * width for width in widths]
        for line in (table.columns, rule, *table.rows):
            cells = (
                cell.ljust(width) if index < table.left else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            yield "  ".join(cells).rstrip()
    yield from table.notes
