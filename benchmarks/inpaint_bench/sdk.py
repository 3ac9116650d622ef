"""The SDK around its networks, row by row, each in a process of its own and against a bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inpaint_bench.errors import BenchError, CannotRunError
from inpaint_bench.isolated import run_isolated
from inpaint_bench.schema import resume, write_result
from inpaint_bench.schema.sdk import SdkResult
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
        try:
            row = run_isolated(ROWS[name], *arguments)
        except CannotRunError as error:
            raise BenchError(f"the row {name} failed: {error}") from error
        result = result.with_more(rows={**result.rows, name: row})
        write_result(result, output)
    return result
