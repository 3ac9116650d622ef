"""Measures rows, each in a process of its own, so that its peak of memory is its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inpaint_bench.errors import BenchError
from inpaint_bench.run.benchmark import now
from inpaint_bench.schema.document import FORMAT_VERSION
from inpaint_bench.schema.files import read_result, write_result
from inpaint_bench.schema.sdk import SdkResult, SdkRow
from inpaint_bench.sdk.mask_free import mask_free
from inpaint_bench.sdk.photograph import photograph
from inpaint_bench.sdk.sharing import sharing
from inpaint_bench.sdk.startup import startup
from inpaint_bench.sdk.stream import stream
from inpaint_bench.sdk.video import video
from inpaint_eval.machine import read_machine

ROWS: dict[str, Callable[..., SdkRow]] = {
    "startup": startup,
    "photograph": photograph,
    "mask_free": mask_free,
    "video": video,
    "sharing": sharing,
    "stream": stream,
}


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
    result = _begin(output, remarks)
    for name in names:
        arguments = [mask_free_model] if name == "mask_free" else []
        row = in_process(ROWS[name], *arguments)
        rows = {**result.rows, name: row}
        result = result.model_copy(update={"rows": rows, "finished": now()})
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


def _begin(output: Path, remarks: str) -> SdkResult:
    machine = read_machine()
    if not output.exists():
        return SdkResult(
            format="inpaint-bench",
            format_version=FORMAT_VERSION,
            kind="sdk",
            started=now(),
            finished=now(),
            machine=machine,
            remarks=remarks,
            rows={},
        )
    before = read_result(output)
    if not isinstance(before, SdkResult):
        raise BenchError(f"{output} is a result of {before.kind}; choose another --output")
    differing = before.machine.differences(machine)
    if differing:
        raise BenchError(
            f"{output} was begun with other {', '.join(differing)}; rows of the two do not belong "
            "together. Choose another --output or delete it"
        )
    return before
