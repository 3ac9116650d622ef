"""The SDK's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inpaint_bench.schema.sdk import SdkResult
from inpaint_bench.text.tables import Block, Heading, Table, machine_in_words, markdown


def describe_sdk(result: SdkResult) -> str:
    """All of a result."""
    return markdown(blocks(result))


def blocks(result: SdkResult) -> Iterator[Block]:
    yield machine_in_words(result.machine)
    for name, row in result.rows.items():
        yield Heading(name)
        yield f"bar: {row.bar}\n"
        yield Table(("figure", "value"), list(_figures(row.figures, "")))


def _figures(values: Mapping[str, Any], under: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{under}{name}, ")
        elif isinstance(value, (list, tuple)):
            yield f"{under}{name}", ", ".join(_number(v) for v in value)
        else:
            yield f"{under}{name}", _number(value)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
