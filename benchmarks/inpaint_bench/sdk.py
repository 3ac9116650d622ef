"""The SDK around its networks, row by row, each in a process of its own and against a bar."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import resume, write_result
from inpaint_bench.schema.sdk import SdkResult, SdkRow
from inpaint_bench.sdk_rows import ROWS


def measure_sdk(
    names: Sequence[str], mask_free_model: str, output: Path, remarks: str = ""
) -> SdkResult:
    """Measures rows and writes them after each. Others that are in ``output`` stay as they are.

    Raises:
        BenchError: there is no such row, ``output`` is of another machine or program, or a row
            failed.
    """
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise BenchError(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    result = resume(output, SdkResult.begin(remarks, kind="sdk", rows={}), same=())
    for name in names:
        arguments = [mask_free_model] if name == "mask_free" else []
        row = in_process(ROWS[name], *arguments)
        result = result.with_more(rows={**result.rows, name: row})
        write_result(result, output)
    return result


def in_process(work: Callable[..., SdkRow], *arguments: str) -> SdkRow:
    """Runs one row in a fresh process; raises ``BenchError`` if it fails there."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run_into, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        row: SdkRow = here.recv()
    except EOFError as error:
        process.join()
        raise BenchError(f"the row {work.__name__} failed; its process said why") from error
    process.join()
    return row


def _run_into(pipe: Any, work: Callable[..., SdkRow], arguments: tuple[str, ...]) -> None:
    pipe.send(work(*arguments))
